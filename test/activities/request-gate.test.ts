import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RequestGate, type Limits } from "../../activities/request-gate.ts";

const gate = (limits: Partial<Limits>, signal = new AbortController().signal) =>
  new RequestGate({ concurrency: 8, requestsPerSecond: null, ...limits }, signal);

/** How many of these may begin now. */
async function begun(requests: RequestGate, count: number): Promise<number> {
  let passed = 0;
  for (let index = 0; index < count; index++) {
    requests.enter().then(
      () => passed++,
      () => {},
    );
  }
  // Timers come after everything that is ready now.
  await delay(1);
  return passed;
}

describe("RequestGate", () => {
  it("lets so many through at a time, and one more for each that leaves, in their order", async () => {
    const requests = gate({ concurrency: 2 });
    const order: number[] = [];
    const all = [0, 1, 2, 3].map(async (number) => {
      await requests.enter();
      order.push(number);
    });
    await delay(1);
    expect(order).toEqual([0, 1]);
    requests.leave({ answered: true });
    await delay(1);
    expect(order).toEqual([0, 1, 2]);
    requests.leave({ answered: false });
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("begins no more requests in a second than are allowed", async () => {
    const requests = gate({ concurrency: 100, requestsPerSecond: 200 });
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 61 }, () => requests.enter()));
    const took = performance.now() - startedMs;
    // 60 pauses of 5 ms, less the 10 ms that may be made up for.
    expect(took).toBeGreaterThan(285);
    expect(took).toBeLessThan(600);
  });

  it("lets nobody through while the endpoint asks for patience, then half as many, and more with each answer", async () => {
    const requests = gate({ concurrency: 8 });
    for (let index = 0; index < 8; index++) await requests.enter();
    requests.pause(60);
    requests.pause(40);
    for (let index = 0; index < 8; index++) requests.leave({ answered: false });
    expect(await begun(requests, 20)).toBe(0);
    await delay(80);
    const more = gate({ concurrency: 8 });
    more.pause(0);
    expect(await begun(more, 20)).toBe(4);
    for (let index = 0; index < 4; index++) more.leave({ answered: true });
    await delay(1);
    // Four answers have made one more place: of the sixteen that waited, five are under way.
    for (let index = 0; index < 5; index++) more.leave({ answered: false });
    await delay(1);
    expect(await begun(more, 1)).toBe(0);
  });

  it("never closes for good, however often it is asked for patience", async () => {
    const requests = gate({ concurrency: 8 });
    for (let index = 0; index < 20; index++) {
      requests.pause(0);
      await requests.enter();
      requests.leave({ answered: false });
    }
    await requests.enter();
  });

  it.each([
    ["for room", (requests: RequestGate) => requests.enter()],
    ["for the end of a pause", async (requests: RequestGate) => requests.pause(60_000)],
  ])("ends all waiting %s with the reason of its signal", async (_, block) => {
    const controller = new AbortController();
    const requests = gate({ concurrency: 1 }, controller.signal);
    await block(requests);
    const waiting = [requests.enter(), requests.enter()];
    const ends = Promise.allSettled(waiting);
    await delay(1);
    controller.abort(new Error("stopped"));
    for (const end of await ends) expect(end.status).toBe("rejected");
    await expect(requests.enter()).rejects.toThrow("stopped");
  });
});
