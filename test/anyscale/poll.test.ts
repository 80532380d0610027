import { describe, expect, it } from "vitest";
import { NotFoundError, RateLimitedError, UnavailableError, UnexpectedReplyError } from "../../src/anyscale/errors.ts";
import { type Look, poll, type PollOptions } from "../../src/anyscale/poll.ts";

/** Polls through these looks, one after another; counts them. */
function through(looks: (Look<string> | Error)[], options: PollOptions = {}) {
  let count = 0;
  const answer = poll(
    "the end",
    async () => {
      const look = looks[Math.min(count++, looks.length - 1)]!;
      if (look instanceof Error) throw look;
      return look;
    },
    { timeoutMs: 10_000, pollMs: 1, ...options },
  );
  return { answer, count: () => count };
}

describe("poll", () => {
  it("looks until there is an answer", async () => {
    const { answer, count } = through([{ seen: "a" }, { seen: "b" }, { answer: "c" }]);
    expect([await answer, count()]).toEqual(["c", 3]);
  });

  it.each([
    ["no answer", new UnavailableError("reset")],
    ["503", new UnavailableError("503", { status: 503 })],
    ["429", new RateLimitedError("429", { status: 429 })],
    ["a page of HTML", new UnexpectedReplyError("HTML", { status: 200 })],
  ])("looks again after %s", async (_case, error) => {
    const { answer, count } = through([error, error, { answer: "c" }]);
    expect([await answer, count()]).toEqual(["c", 3]);
  });

  it.each([
    ["what the API refuses", new NotFoundError("gone", { status: 404 })],
    ["a route that is unknown to the host", new UnexpectedReplyError("404", { status: 404 })],
    ["a failure of the look itself", new TypeError("oops")],
  ])("ends at once with %s", async (_case, error) => {
    const { answer, count } = through([error]);
    await expect(answer).rejects.toBe(error);
    expect(count()).toBe(1);
  });

  it("waits as long as the server asks before it looks again", async () => {
    const started = performance.now();
    await through([new RateLimitedError("429", { status: 429, retryAfterMs: 60 }), { answer: "c" }]).answer;
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });

  it("gives up at once when the server asks for more time than is left", async () => {
    const error = new RateLimitedError("429", { status: 429, retryAfterMs: 60_000 });
    const { answer, count } = through([error], { timeoutMs: 5_000 });
    await expect(answer).rejects.toMatchObject({ kind: "timeout", cause: error });
    expect(count()).toBe(1);
  });

  it("says what it saw last and what failed last when the time is up", async () => {
    const { answer } = through([{ seen: "RUNNING" }, new UnavailableError("no route")], { timeoutMs: 20 });
    await expect(answer).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringMatching(/20 ms for the end; last seen: RUNNING; last failure: no route/),
    });
  });

  it("looks a last time when the time is up, also where a pause is longer than all of it", async () => {
    const started = performance.now();
    const { answer, count } = through([{ seen: "a" }, { answer: "c" }], { timeoutMs: 60, pollMs: 10_000 });
    expect([await answer, count()]).toEqual(["c", 2]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
    const late = through([{ seen: "a" }], { timeoutMs: 20, pollMs: 10_000 });
    await expect(late.answer).rejects.toMatchObject({ kind: "timeout" });
    expect(late.count()).toBe(2);
  });

  it("ends a last look that hangs", async () => {
    let looks = 0;
    const hang = ({ signal }: { signal?: AbortSignal }) =>
      looks++ === 0
        ? Promise.resolve({ seen: "a" })
        : new Promise<never>((_done, failed) => signal?.addEventListener("abort", () => failed(signal.reason)));
    await expect(poll("the end", hang, { timeoutMs: 20, pollMs: 30 })).rejects.toMatchObject({ kind: "timeout" });
    expect(looks).toBe(2);
  });

  it("ends a look that hangs when the time is up", async () => {
    const hang = ({ signal }: { signal?: AbortSignal }) =>
      new Promise<never>((_done, failed) => signal?.addEventListener("abort", () => failed(signal.reason)));
    await expect(poll("the end", hang, { timeoutMs: 20 })).rejects.toMatchObject({ kind: "timeout" });
  });

  it("throws the caller's own reason, also in the middle of a pause", async () => {
    const controller = new AbortController();
    const { answer } = through([{ seen: "a" }], { pollMs: 5_000, timeoutMs: 60_000, signal: controller.signal });
    setTimeout(() => controller.abort(new RangeError("cancelled")), 10);
    await expect(answer).rejects.toThrow(RangeError);
    const { answer: late, count } = through([{ answer: "c" }], { signal: controller.signal });
    await expect(late).rejects.toThrow(RangeError);
    expect(count()).toBe(0);
  });

  it.each([
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ timeoutMs: Number.NaN }, "timeoutMs"],
    [{ timeoutMs: 2 ** 31 }, "timeoutMs"],
    [{ pollMs: -1 }, "pollMs"],
  ])("refuses %j before the first look", async (options, field) => {
    const { answer, count } = through([{ answer: "c" }], options);
    await expect(answer).rejects.toMatchObject({ kind: "invalid", message: expect.stringContaining(field) });
    expect(count()).toBe(0);
  });
});
