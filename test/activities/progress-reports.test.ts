import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProgressReports } from "../../activities/progress-reports.ts";
import type { SourceProgress } from "../../src/domain/reading-schema.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const progress = (received: number): SourceProgress => ({ received, perSecond: 1, etaSeconds: null });

/** Reports to workflows that note what they hear. */
function listening(answer: () => Promise<void> = async () => {}) {
  const heard: { workflowId: string; sources: string[]; atSeconds: number }[] = [];
  const beganMs = Date.now();
  const reports = new ProgressReports({
    tellProgress(workflowId, said) {
      heard.push({ workflowId, sources: Object.keys(said), atSeconds: Math.round((Date.now() - beganMs) / 1000) });
      return answer();
    },
  });
  const follow = (source: string, ...workflowIds: string[]) =>
    reports.follow(workflowIds, { source, askedMs: Date.now(), progress: () => progress(1) });
  return { heard, follow };
}

describe("ProgressReports", () => {
  it("tells both the reading and its update after 5 s, all sources of an update at once", async () => {
    const { heard, follow } = listening();
    follow("slack", "update/slack", "update");
    follow("zendesk", "update/zendesk", "update");
    await vi.advanceTimersByTimeAsync(4400);
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(600);
    expect(heard.map(({ workflowId, sources }) => [workflowId, sources])).toEqual([
      ["update/slack", ["slack"]],
      ["update", ["slack", "zendesk"]],
      ["update/zendesk", ["zendesk"]],
    ]);
  });

  it("reports the more seldom the longer it takes", async () => {
    const { heard, follow } = listening();
    follow("slack", "update");
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(heard.length).toBeLessThan(60);
    expect(heard.slice(0, 3).map(({ atSeconds }) => atSeconds)).toEqual([5, 10, 15]);
  });

  it("names 20 sources at most", async () => {
    const { heard, follow } = listening();
    for (let index = 0; index < 30; index++) follow(`s${index}`, "update");
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard[0]?.sources).toHaveLength(20);
  });

  it("falls silent, and leaves no timer, when nothing is followed any more", async () => {
    const { heard, follow } = listening();
    const [forgetSlack, forgetZendesk] = [follow("slack", "update"), follow("zendesk", "update")];
    forgetSlack();
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard).toMatchObject([{ sources: ["zendesk"] }]);
    forgetZendesk();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes on after a report that nobody took", async () => {
    const { heard, follow } = listening(() => Promise.reject(new Error("workflow not found")));
    follow("slack", "update");
    await vi.advanceTimersByTimeAsync(10_500);
    expect(heard).toHaveLength(2);
  });

  it("does not send a second report while the first is on its way", async () => {
    const { heard, follow } = listening(() => new Promise(() => {}));
    follow("slack", "update");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toHaveLength(1);
  });
});
