import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { JobFailedError } from "../../src/anyscale/errors.ts";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { apiJob, startApiServer } from "../support/api-server.ts";
import { aJob, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

const looks = { match: { method: "GET", path: "production_jobs" } };

/** A server on which a job goes through these states, one per look; the last one stays. */
async function goingThrough(...states: string[]) {
  let look = 0;
  return await startApiServer(() => {
    const state = states[Math.min(look++, states.length - 1)];
    return { result: apiJob({ state: { current_state: state, error: state === "BROKEN" ? "no disk" : null } }) };
  });
}

describe("Jobs.wait", () => {
  it.each([
    ["SUCCESS", "succeeded"],
    ["OUT_OF_RETRIES", "failed"],
    ["BROKEN", "failed"],
    ["TERMINATED", "terminated"],
  ])("takes %s for the end: %s", async (state, outcome) => {
    const { client } = await goingThrough(state);
    expect(await client.jobs.wait("prodjob_1")).toMatchObject({ outcome, job: { state: { current_state: state } } });
  });

  it("goes on through unknown states and states that go back, says each change once, with one call per look", async () => {
    const { client, requests } = await goingThrough(
      "PENDING",
      "RUNNING",
      "RUNNING",
      "ERRORED",
      "A_NEW_STATE",
      "PENDING",
      "SUCCESS",
    );
    const seen: string[] = [];
    const { outcome } = await client.jobs.wait("prodjob_1", { pollMs: 1, onState: (state) => seen.push(state) });
    expect([outcome, seen]).toEqual([
      "succeeded",
      ["PENDING", "RUNNING", "ERRORED", "A_NEW_STATE", "PENDING", "SUCCESS"],
    ]);
    expect(requests).toEqual(Array.from({ length: 7 }, () => "GET /ext/v0/production_jobs/prodjob_1"));
  });

  it.each<[string, object]>([
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["408", { kind: "status", status: 408 }],
    ["429 without Retry-After", { kind: "status", status: 429 }],
    ["a lost connection", { kind: "drop" }],
    ["a page of HTML", { kind: "html" }],
  ])("survives %s, of which the official client dies", async (_case, effect) => {
    const { id } = await emulator.client.jobs.submit(aJob());
    await emulator.fault({ ...looks, times: 3, effect });
    expect(await emulator.client.jobs.wait(id, { pollMs: 5 })).toMatchObject({ outcome: "succeeded", job: { id } });
  });

  it("survives an answer that never comes", async () => {
    const hasty = new AnyscaleClient({ host: emulator.url, token: DEFAULT_TOKEN, timeoutMs: 100 });
    const { id } = await emulator.client.jobs.submit(aJob());
    await emulator.fault({ ...looks, times: 2, effect: { kind: "hang" } });
    expect(await hasty.jobs.wait(id, { pollMs: 5 })).toMatchObject({ outcome: "succeeded" });
  });

  it("looks again no sooner than Retry-After says", async () => {
    const { id } = await emulator.client.jobs.submit(aJob());
    await emulator.fault({ ...looks, times: 2, effect: { kind: "status", status: 429, retryAfterSeconds: 0.2 } });
    const from = performance.now();
    await emulator.client.jobs.wait(id, { pollMs: 1 });
    expect(performance.now() - from).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ["not-found", 404],
    ["unauthorized", 401],
    ["forbidden", 403],
    ["invalid", 400],
  ])("does not wait for what cannot pass: %s", async (kind, status) => {
    const { id } = await emulator.client.jobs.submit(aJob());
    await emulator.fault({ ...looks, effect: { kind: "status", status } });
    await expect(emulator.client.jobs.wait(id)).rejects.toMatchObject({ kind, status });
  });

  it("says what it saw last when the time is up, and leaves the job alone", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ entrypoint: "sleep 60" }));
    const waiting = emulator.client.jobs.wait(id, { timeoutMs: 300, pollMs: 20 });
    await expect(waiting).rejects.toMatchObject({
      name: "WaitTimeoutError",
      kind: "timeout",
      message: expect.stringMatching(/waited up to 300 ms for the end of job prodjob_\w+; last seen: RUNNING/),
    });
    expect((await emulator.client.jobs.get(id)).state.current_state).toBe("RUNNING");
    await emulator.client.jobs.terminate(id);
    expect(await emulator.client.jobs.wait(id, { pollMs: 10 })).toMatchObject({ outcome: "terminated" });
  });

  it("has the last failure in the timeout's message", async () => {
    const { client } = await startApiServer((_request, response) => {
      response.statusCode = 502;
    });
    await expect(client.jobs.wait("prodjob_1", { timeoutMs: 50, pollMs: 5 })).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("status=502"),
      cause: { kind: "unavailable" },
    });
  });

  it("throws the caller's own reason at once when the caller aborts", async () => {
    const { client } = await goingThrough("RUNNING");
    const controller = new AbortController();
    const onState = () => controller.abort(new RangeError("enough"));
    await expect(client.jobs.wait("prodjob_1", { signal: controller.signal, onState })).rejects.toThrow(RangeError);
  });

  it.each([{ pollMs: 0 }, { pollMs: Number.NaN }, { timeoutMs: -1 }])("refuses %j", async (options) => {
    const { client, requests } = await goingThrough("RUNNING");
    await expect(client.jobs.wait("prodjob_1", options)).rejects.toMatchObject({ kind: "invalid" });
    expect(requests).toEqual([]);
  });
});

describe("Jobs.waitForSuccess", () => {
  it("answers a job that has succeeded", async () => {
    const { client } = await goingThrough("SUCCESS");
    expect(await client.jobs.waitForSuccess("prodjob_1")).toMatchObject({ id: "prodjob_1" });
  });

  it("throws what has become of another one, with the server's reason", async () => {
    const { client } = await goingThrough("BROKEN");
    const error = await client.jobs.waitForSuccess("prodjob_1").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JobFailedError);
    expect(error).toMatchObject({ kind: "failed", outcome: "failed", job: { id: "prodjob_1" } });
    expect(String(error)).toContain('job prodjob_1 "games-12" ended as BROKEN: no disk');
  });
});
