import { describe, expect, it } from "vitest";
import { createReportActivities } from "../../activities/reports.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { cycleReportSchema } from "../../src/domain/report-schema.ts";
import { reportMarkdown } from "../../src/domain/report.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const report = emptyReport({
  cycle: "games-12",
  pipeline: "games",
  workflowId: "retrain/games/12",
  startedAt: "2026-01-01T00:00:00Z",
  datasetVersion: "games@12",
  recordsPerSource: { discord: 3 },
  champion: null,
});

describe("createReportActivities", () => {
  it("writes a report for machines and one for people, the same on a repeat", async () => {
    const store = new MemoryObjectStore();
    const activities = createReportActivities({ store });
    const written = await activities.writeReport(report);
    expect(written).toEqual({ key: "reports/games-12/report.md", uri: store.uri("reports/games-12/report.md") });
    expect(store.text(written.key)).toBe(reportMarkdown(report));
    expect(cycleReportSchema.parse(JSON.parse(store.text("reports/games-12/report.json")))).toEqual(report);
    const objects = new Map(store.objects);
    await activities.writeReport(report);
    expect(store.objects).toEqual(objects);
  });
});
