import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { reasonOf } from "../../workflows/steps.ts";

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
