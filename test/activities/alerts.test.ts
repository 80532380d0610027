import { describe, expect, it } from "vitest";
import { createAlertActivities } from "../../activities/alerts.ts";
import type { Alert } from "../../src/domain/alert-schema.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { cycleReportSchema } from "../../src/domain/report-schema.ts";
import { reportMarkdown } from "../../src/domain/report.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const alert: Alert = { severity: "error", pipeline: "games", workflowId: "w", title: "It failed.", text: [] };
const report = emptyReport({
  cycle: "games-12",
  pipeline: "games",
  workflowId: "retrain/games/12",
  startedAt: "2026-01-01T00:00:00Z",
  datasetVersion: "games@12",
  recordsPerSource: { discord: 3 },
  champion: null,
});

describe("createAlertActivities", () => {
  it("tells people through each sink of the definition, and nobody when there is none", async () => {
    const sent: Alert[] = [];
    const alerts = { log: { send: async (said: Alert) => void sent.push(said) } };
    const activities = createAlertActivities({ store: new MemoryObjectStore(), alerts });
    await activities.sendAlert({ alert, sinks: [{ kind: "log" }] });
    await activities.sendAlert({ alert, sinks: [] });
    expect(sent).toEqual([alert]);
  });

  it("fails when a sink does, so that the alert is tried again", async () => {
    const broken = { send: () => Promise.reject(new Error("no route")) };
    const activities = createAlertActivities({ store: new MemoryObjectStore(), alerts: { log: broken } });
    await expect(activities.sendAlert({ alert, sinks: [{ kind: "log" }] })).rejects.toThrow("no route");
  });

  it("writes a report for machines and one for people, the same on a repeat", async () => {
    const store = new MemoryObjectStore();
    const activities = createAlertActivities({ store, alerts: { log: { send: async () => {} } } });
    const written = await activities.writeReport(report);
    expect(written).toEqual({ key: "reports/games-12/report.md", uri: store.uri("reports/games-12/report.md") });
    expect(store.text(written.key)).toBe(reportMarkdown(report));
    expect(cycleReportSchema.parse(JSON.parse(store.text("reports/games-12/report.json")))).toEqual(report);
    const objects = new Map(store.objects);
    await activities.writeReport(report);
    expect(store.objects).toEqual(objects);
  });
});
