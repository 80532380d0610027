import { describe, expect, it } from "vitest";
import { inLanes } from "../../activities/lanes.ts";

describe("inLanes", () => {
  it("answers in the order of the items, with so many under way at once and no more", async () => {
    let underWay = 0;
    let most = 0;
    const open: (() => void)[] = [];
    const work = inLanes(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => open.push(resolve));
      underWay--;
      return item * 2;
    });
    // The newest first, so that they end in another order than they began.
    for (let ended = 0; ended < 7; ended++) {
      while (open.length === 0) await Promise.resolve();
      open.pop()?.();
    }
    expect(await work).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most).toBe(3);
  });

  it("answers nothing to nothing", async () => {
    expect(await inLanes(4, [], async () => 1)).toEqual([]);
  });

  it("fails with the first failure when all that was under way has ended, and starts nothing more", async () => {
    const started: number[] = [];
    const ended: number[] = [];
    const first = Promise.withResolvers<void>();
    const work = inLanes(2, [0, 1, 2, 3], async (item) => {
      started.push(item);
      if (item === 1) throw new Error("broken");
      await first.promise;
      ended.push(item);
    });
    setImmediate(first.resolve);
    await expect(work).rejects.toThrow("broken");
    expect([started, ended]).toEqual([[0, 1], [0]]);
  });
});
