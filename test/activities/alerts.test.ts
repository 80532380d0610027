import { describe, expect, it } from "vitest";
import { createAlertActivities } from "../../activities/alerts.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { AlertDelivery } from "../../src/ports.ts";
import { failureOf, inActivity } from "../support/activity.ts";
import { anAlert } from "../support/builders.ts";

const execution = (activityId: string, runId = "run-1") => ({
  activityId,
  namespace: "default",
  workflowExecution: { workflowId: "retrain/games/12/alert-promoted-1", runId },
});
const sink = { kind: "log" } as const;

/** Activities over a sink that keeps what it is given. */
function collecting(temporalUi: string | null = null) {
  const sent: AlertDelivery[] = [];
  const alerts = { send: async (delivery: AlertDelivery) => void sent.push(delivery) };
  return { sent, activities: createAlertActivities({ alerts, temporalUi }) };
}

describe("createAlertActivities", () => {
  it("hands an alert to the sink with an id that each attempt has, and no other delivery", async () => {
    const { sent, activities } = collecting();
    const send = (activityId: string, runId?: string): Promise<void> =>
      inActivity(() => activities.sendAlert({ alert: anAlert(), sink }), execution(activityId, runId));
    await send("1");
    await send("1");
    await send("2");
    await send("1", "run-2");
    expect(sent[0]).toMatchObject({ alert: anAlert(), sink });
    const [first, repeat, other, rerun] = sent.map(({ id }) => id);
    expect(first).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(repeat).toBe(first);
    expect(new Set([first, other, rerun]).size).toBe(3);
  });

  it("adds the page of the workflow where the address of Temporal's web UI is known", async () => {
    const { sent, activities } = collecting("https://temporal.example");
    const page = "https://temporal.example/namespaces/default/workflows/retrain%2Fgames%2F12";
    const send = (runId: string | null): Promise<void> =>
      inActivity(() => activities.sendAlert({ alert: anAlert({ runId, links: [] }), sink }), execution("1"));
    await send("0199-a");
    await send(null);
    expect(sent.map(({ alert }) => alert.links)).toEqual([
      [{ name: "workflow", uri: `${page}/0199-a/history` }],
      [{ name: "workflow", uri: page }],
    ]);
  });

  it("fails as the sink does, with the time to wait that it asks for", async () => {
    const busy = new TypedFailure("RateLimited", "later", { retryAfterMs: 30_000 });
    const alerts = { send: () => Promise.reject(busy) };
    const activities = createAlertActivities({ alerts, temporalUi: null });
    const failure = await failureOf(() => activities.sendAlert({ alert: anAlert(), sink }), execution("1"));
    expect(failure).toMatchObject({ type: "RateLimited", nonRetryable: false, nextRetryDelay: 30_000 });
  });
});
