import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { reasonOf, settleAll } from "../../workflows/steps.ts";

describe("settleAll", () => {
  it("runs at most so many at once and answers in the order of the items", async () => {
    let running = 0;
    let most = 0;
    const items = Array.from({ length: 20 }, (_, index) => index);
    const results = await settleAll(items, 3, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item % 4; turn++) await Promise.resolve();
      running--;
      return item * 2;
    });
    expect(most).toBe(3);
    expect(results).toEqual(items.map((item) => ({ ok: true, value: item * 2 })));
  });

  it("goes on after a failure and keeps it in its place", async () => {
    const failure = new Error("no");
    const results = await settleAll(["a", "b", "c"], 1, async (item) => {
      if (item === "b") throw failure;
      return item;
    });
    expect(results).toEqual([
      { ok: true, value: "a" },
      { ok: false, error: failure },
      { ok: true, value: "c" },
    ]);
  });

  it("answers nothing for no items", async () => {
    expect(await settleAll([], 5, () => Promise.reject(new Error("never")))).toEqual([]);
  });
});

describe("reasonOf", () => {
  const cause = ApplicationFailure.nonRetryable("out of memory", "JobFailed");
  const inActivity = new ActivityFailure("failed", "submitTraining", "1", "NON_RETRYABLE_FAILURE", "worker", cause);
  const inChild = new ChildWorkflowFailure(
    "default",
    { workflowId: "w" },
    "fineTune",
    "NON_RETRYABLE_FAILURE",
    inActivity,
  );

  it.each([
    ["type and message at the bottom of a chain", inChild, "JobFailed: out of memory"],
    ["cancelled for a cancellation in a child", new CancelledFailure("Workflow cancelled"), "cancelled"],
    ["the message of any other error", new Error("plain"), "plain"],
    ["anything that was thrown as text", 42, "42"],
  ])("answers %s", (_, error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
