import { describe, expect, it } from "vitest";
import { newsOfPause, newsOfStep, newsOfWait, type News } from "../../src/domain/rollout-news.ts";
import type { GateVerdict } from "../../src/domain/rollout-schema.ts";

const dayMs = 86_400_000;
const pace = { probeSeconds: 30, holdSeconds: 3600 };
/** An activity's three events, the task that hears of it, and the labels that follow. */
const eventsOfNews = 8;

/** How many news there are until it has lasted `forMs`, when the gates say something else at each look. */
function newsWhile(forMs: number, newsAt: (atMs: number) => News, probeMs: number): number {
  let news = 0;
  for (let atMs = 0; atMs < forMs; news++) {
    const { newsMs, atOnce } = newsAt(atMs);
    const flapping: GateVerdict["verdict"][] = ["pass", "hold"];
    atMs += flapping.some((verdict) => atOnce.includes(verdict)) ? probeMs : Math.max(newsMs, probeMs);
  }
  return news;
}

describe("newsOfPause", () => {
  it.each([0.1, 30, 3600])("keeps a pause of a year small in history, with %s s between two looks", (probeSeconds) => {
    const news = newsWhile(365 * dayMs, (atMs) => newsOfPause({ ...pace, probeSeconds }, atMs), probeSeconds * 1000);
    expect(news * eventsOfNews).toBeLessThan(3000);
    expect(news).toBeGreaterThan(50);
  });

  it("has news every ten minutes at first, and never of gates that pass or hold", () => {
    expect(newsOfPause(pace, 0)).toEqual({ newsMs: 600_000, atOnce: ["fail"] });
    expect(newsOfPause(pace, 30 * dayMs)).toEqual({ newsMs: 1.5 * dayMs, atOnce: ["fail"] });
  });
});

describe("newsOfStep", () => {
  const step = (watchedMs: number, seconds = 600) => newsOfStep(pace, { seconds, watchedMs, pausedMs: null });

  it.each([0.1, 30, 3600])(
    "keeps 30 days of a gate that says this and that small in history, looked at every %s s",
    (probeSeconds) => {
      const at = (watchedMs: number): News =>
        newsOfStep({ ...pace, probeSeconds }, { seconds: 30 * 86_400, watchedMs, pausedMs: null });
      expect(newsWhile(30 * dayMs, at, probeSeconds * 1000) * eventsOfNews).toBeLessThan(300);
    },
  );

  it("has only a failure as news at once before the time of the step is over, afterwards also what ends it", () => {
    expect(step(0).atOnce).toEqual(["fail"]);
    expect(step(599_999).atOnce).toEqual(["fail"]);
    expect(step(600_000).atOnce).toEqual(["pass", "fail"]);
  });

  it.each([
    ["at its beginning", 0, 30_000],
    ["shortly before its end", 590_000, 10_000],
    ["at its end, when it begins to be held", 600_000, 180_000],
    ["shortly before it has been held long enough", 600_000 + 3_590_000, 10_000],
    ["when it has been held too long", 600_000 + 3_700_000, 0],
  ])("has news a twentieth later %s, not more often than is looked, and at each end", (_, watchedMs, newsMs) => {
    expect(step(watchedMs).newsMs).toBe(newsMs);
  });

  it("waits with the time of the step while it is paused", () => {
    const pausedMs = 5 * dayMs;
    expect(newsOfStep(pace, { seconds: 600, watchedMs: 10_000_000, pausedMs })).toEqual(newsOfPause(pace, pausedMs));
  });
});

describe("newsOfWait", () => {
  it("has some twenty news of a wait however long it is, and however often is looked", () => {
    const seconds = 30 * 86_400;
    const at = (atMs: number): News => newsOfWait({ ...pace, probeSeconds: 0.1 }, seconds, seconds * 1000 - atMs);
    expect(newsWhile(seconds * 1000, at, 100)).toBe(20);
  });
});
