import { describe, expect, it } from "vitest";
import { createAlertActivities } from "../../activities/alerts.ts";
import type { Alert } from "../../src/domain/alert-schema.ts";

const alert: Alert = { severity: "error", pipeline: "games", workflowId: "w", title: "It failed.", text: [] };

describe("createAlertActivities", () => {
  it("tells people through each sink of the definition, and nobody when there is none", async () => {
    const sent: Alert[] = [];
    const alerts = { log: { send: async (said: Alert) => void sent.push(said) } };
    const activities = createAlertActivities({ alerts });
    await activities.sendAlert({ alert, sinks: [{ kind: "log" }] });
    await activities.sendAlert({ alert, sinks: [] });
    expect(sent).toEqual([alert]);
  });

  it("fails when a sink does, so that the alert is tried again", async () => {
    const broken = { send: () => Promise.reject(new Error("no route")) };
    const activities = createAlertActivities({ alerts: { log: broken } });
    await expect(activities.sendAlert({ alert, sinks: [{ kind: "log" }] })).rejects.toThrow("no route");
  });
});
