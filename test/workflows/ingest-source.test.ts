import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { ingestSource } from "../../workflows/ingest-source.ts";
import { aSource } from "../support/builders.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterAll(() => temporal.stop());

const start = (given: unknown): Promise<WorkflowHandle<typeof ingestSource>> =>
  temporal.start("ingestSource", `ingest/${world.name}`, given);

describe("ingestSource", () => {
  it("reads a source from its cursor and answers where the batch is", async () => {
    world.sources["slack"] = 70;
    const handle = await start({ dataset: world.name, source: aSource("slack"), cursor: "20" });
    expect(await handle.result()).toEqual({
      source: "slack",
      batch: "batches/slack/20-70",
      received: 50,
      quarantined: 0,
      isComplete: true,
    });
    expect(await currentDetails(handle)).toBe("50 items received.");
    await temporal.record(handle, "read");
  });

  it("reads from the start and with the usual split when told nothing else", async () => {
    await (await start({ dataset: world.name, source: aSource("slack") })).result();
    expect(world.requests("ingest")).toMatchObject([
      { dataset: world.name, source: aSource("slack"), cursor: null, split: { valid: 0.05, test: 0.1 } },
    ]);
  });

  it("reads a source that brings little without an activity task", async () => {
    const batch = { source: "slack", batch: "batches/slack/0-3", received: 3, quarantined: 1, isComplete: true };
    world.when("ingestSmall", async () => batch);
    const handle = await start({ dataset: world.name, source: aSource("slack") });
    expect(await handle.result()).toEqual(batch);
    expect(world.story()).toEqual(["ingestSmall"]);
    await temporal.record(handle, "read-at-once");
  });

  it.each([null, "20"])("asks a service once, and not in vain first, from cursor %j", async (cursor) => {
    world.sources["reviews"] = 70;
    const source = { id: "reviews", kind: "http", url: "https://reviews.example/export.jsonl" };
    await (await start({ dataset: world.name, source, cursor })).result();
    expect(world.story()).toEqual(["ingest"]);
  });

  it("reads with patience what could not be read at once", async () => {
    world.sources["slack"] = 3;
    world.when("ingestSmall", async () => {
      throw new TypedFailure("Unavailable", "503");
    });
    const handle = await start({ dataset: world.name, source: aSource("slack") });
    expect(await handle.result()).toMatchObject({ received: 3 });
    expect(world.story()).toEqual(["ingestSmall", "ingest"]);
    await temporal.record(handle, "read-after-outage");
  });

  it("fails with what the source said when it refuses", async () => {
    world.when("ingest", async () => {
      throw new TypedFailure("Refused", "s3://feedback/slack/: access denied");
    });
    const handle = await start({ dataset: world.name, source: aSource("slack") });
    expect(await failureOf(handle)).toBe("Refused: s3://feedback/slack/: access denied");
    expect(await currentDetails(handle)).toBe("**slack** failed: Refused. Its result says why.");
    await temporal.record(handle, "refused");
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["a dataset with a path", { dataset: "../games" }, "InvalidInput: dataset: must be 1 to 40 of a-z, 0-9 and -"],
    ["an unknown kind of source", { source: { id: "x", kind: "fax" } }, "InvalidInput: source.kind: "],
    [
      "a URI that is not S3",
      { source: { ...aSource("x"), uri: "file:///etc/" } },
      "InvalidInput: source.uri: must be s3:",
    ],
    ["a split without training data", { split: { valid: 0.5, test: 0.5 } }, "InvalidInput: split: valid and test"],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    const whole = { dataset: world.name, source: aSource("slack") };
    expect(await failureOf(await start(wrong && { ...whole, ...wrong }))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
