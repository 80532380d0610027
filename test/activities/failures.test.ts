import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { asFailure, assertSmall, firstIssue } from "../../activities/failures.ts";
import {
  errorOfStatus,
  UnavailableError,
  UnexpectedReplyError,
  WaitFailedError,
  WaitTimeoutError,
} from "../../src/anyscale/errors.ts";
import { failureTypes, isRetryable, PreconditionFailed, TypedFailure } from "../../src/domain/failures.ts";
import { activityEnvironment, expectFailure, failureOf, inActivity } from "../support/activity.ts";

const cast = (error: unknown): Promise<ApplicationFailure> =>
  failureOf(async () => {
    throw error;
  });

describe("asFailure", () => {
  it.each(failureTypes)("keeps the type %s, its cause, and whether another attempt can help", async (type) => {
    const error = new TypedFailure(type, "what happened");
    const failure = await cast(error);
    expect(failure).toMatchObject({ type, message: "what happened", nonRetryable: !isRetryable(type), cause: error });
    expect(failure.category === ApplicationFailureCategory.BENIGN).toBe(type === "StillWaiting");
    expect(failure.nextRetryDelay).toBeUndefined();
  });

  it.each([
    [400, "Refused", true],
    [401, "Refused", true],
    [403, "Refused", true],
    [404, "NotFound", true],
    [408, "Unavailable", false],
    [409, "Conflict", false],
    [422, "Refused", true],
    [429, "RateLimited", false],
    [500, "Unavailable", false],
    [503, "Unavailable", false],
    [302, "Unavailable", false],
  ])("casts an answer of %i by the Anyscale client to %s", async (status, type, nonRetryable) => {
    const error = errorOfStatus("GET /api", "", { status });
    expect(await cast(error)).toMatchObject({ type, nonRetryable, message: error.message, cause: error });
  });

  it.each([
    [new UnavailableError("no answer"), "Unavailable"],
    [new UnexpectedReplyError("not JSON"), "Unavailable"],
    [new WaitTimeoutError("the image is still being built"), "Unavailable"],
    [new WaitFailedError("the image cannot be built"), "Refused"],
    [new PreconditionFailed("registry/games.json"), "Conflict"],
    [new z.ZodError([{ code: "custom", path: ["messages", 0], message: "is empty", input: "secret" }]), "InvalidData"],
    [new TypeError("undefined is not a function"), "Internal"],
    ["a string", "Internal"],
    [undefined, "Internal"],
    [{ kind: "invalid", message: "not an error", retryAfterMs: "soon" }, "Internal"],
  ])("casts %o to %s", async (error, type) => {
    expect((await cast(error)).type).toBe(type);
  });

  it("waits as long as the other side asked for, also when that is not at all", async () => {
    const slow = errorOfStatus("GET /api", "", { status: 429, retryAfterMs: 2500 });
    expect((await cast(slow)).nextRetryDelay).toBe(2500);
    expect((await cast(new TypedFailure("RateLimited", "x", { retryAfterMs: 0 }))).nextRetryDelay).toBe(0);
  });

  it("names the field and not the value of what does not parse", async () => {
    const error = z.object({ messages: z.array(z.object({ role: z.enum(["user"]) })) }).safeParse({
      messages: [{ role: "secret" }],
    }).error;
    const { message } = await cast(error);
    expect(message).toMatch(/^messages\.0\.role: /);
    expect(message).not.toContain("secret");
  });

  it("leaves Temporal's own failures alone", async () => {
    const failure = ApplicationFailure.create({ type: "JobFailed", message: "x" });
    expect(await cast(failure)).toBe(failure);
  });

  it("takes whatever is thrown after a cancellation for the cancellation", async () => {
    const environment = activityEnvironment();
    environment.cancel();
    const failure = await environment.run(async () => asFailure(new Error("socket closed")));
    expect(failure).toBeInstanceOf(CancelledFailure);
    expect(failure).toMatchObject({ cause: { message: "socket closed" } });
  });
});

describe("assertSmall", () => {
  const check = (result: unknown) => inActivity(async () => assertSmall(result));

  it.each([[undefined], [null], [{ version: 12 }], ["x".repeat(256 * 1024 - 2)]])(
    "lets a small result pass",
    async (result) => {
      await expect(check(result)).resolves.toBeUndefined();
    },
  );

  it.each([
    ["one byte too much", "x".repeat(256 * 1024 - 1)],
    ["many characters of more than one byte", "ä".repeat(140_000)],
  ])("refuses a result of %s, naming the activity", async (_, result) => {
    const activityType = "readSource";
    const message = await expectFailure(async () => assertSmall(result), "InvalidData", { activityType });
    expect(message).toMatch(/^readSource: a result of \d+ bytes does not belong into history$/);
  });
});

describe("firstIssue", () => {
  it("is the message alone for a value that is wrong as a whole", () => {
    const { error } = z.string("must be text").safeParse(7);
    expect(error && firstIssue(error)).toBe("must be text");
  });
});
