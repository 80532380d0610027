import { describe, expect, it } from "vitest";
import { emptyReport } from "../../src/domain/cycle.ts";
import { decisionPolicySchema } from "../../src/domain/decide-schema.ts";
import { beyondChanceSentence, headline, policySentences, sharesInOrder, summary } from "../../src/domain/report.ts";
import { cycleOutcomeSchema, cycleReportSchema, type CycleReport } from "../../src/domain/report-schema.ts";
import { aMetric, aReport } from "../support/reports.ts";

const begun = {
  cycle: "games-12",
  pipeline: "games",
  workflowId: "retrain/games/12",
  startedAt: "2026-01-01T00:00:00Z",
  datasetVersion: "games@12",
  recordsPerSource: { discord: 1200, twitch: 30 },
  champion: "games-11",
};
const promoted: CycleReport = {
  ...emptyReport(begun),
  outcome: "promoted",
  challenger: { version: "games-12", metrics: { accuracy_output_fn: 0.9 } },
};
const outcomes = cycleOutcomeSchema.options;

describe("emptyReport", () => {
  it("is a valid report that counts as failed until something better is known", () => {
    expect(cycleReportSchema.parse(emptyReport(begun))).toMatchObject({
      outcome: "failed",
      endedAt: begun.startedAt,
      champion: { version: "games-11", metrics: {} },
    });
    expect(emptyReport({ ...begun, champion: null }).champion).toBeNull();
  });
});

describe("summary", () => {
  it.each(outcomes)("has a sentence of its own for %s, with a champion and without", (outcome) => {
    const [defended, first] = [summary({ ...promoted, outcome }), summary({ ...promoted, outcome, champion: null })];
    expect(defended).toMatch(/^\*\*.+\.\*\*$/);
    expect(defended).toContain("games-11");
    expect(first).toMatch(/^\*\*.+\.\*\*$/);
    expect(first).not.toMatch(/undefined|null/);
    for (const other of outcomes.filter((name) => name !== outcome)) {
      expect(summary({ ...promoted, outcome: other })).not.toBe(defended);
    }
  });
});

describe("headline", () => {
  it("says what happened, by how much with its uncertainty, and what it means", () => {
    expect(headline(aReport())).toEqual([
      "games-3 is the new champion; it replaces games-2.",
      "By the deciding metric, right function, games-3 scores 91.2 % and games-2 84.3 % on the same 400 questions: +6.9 points, and with 95 % confidence +3.8 to +10.0 points.",
      "It answers all traffic now; nothing is left to do.",
    ]);
  });

  it("names no champion where the service was changed beside the cycle", () => {
    const failure = "ServiceChanged: games-3 was taken down by roll-back/games/7: games-1 takes its place";
    const failed = headline(aReport({ outcome: "failed", failure }));
    expect(failed[0]).toBe("The cycle failed, for the service was changed beside it; it has moved no champion.");
    expect(failed[2]).toMatch(/^tuneloop models games says which model is champion now\. See below why it failed/);
    const back = headline(aReport({ outcome: "rolled-back", failure }));
    expect(back[2]).toMatch(/^tuneloop models games says which model is champion now\. See below what went wrong/);
  });

  it("does not say of a first model that was rejected that it is not good enough", () => {
    const approval = { answer: "rejected" as const, by: "bob", reason: "not today", at: "2026-01-03T12:00:00.000Z" };
    const [happened] = headline(aReport({ outcome: "kept", champion: null, approval }));
    expect(happened).toBe("games-3 is good enough to be the first champion and was not agreed to.");
  });

  it("says of a challenger that has won and was rejected that it was not agreed to", () => {
    const approval = { answer: "rejected" as const, by: "bob", reason: "not today", at: "2026-01-03T12:00:00.000Z" };
    const [happened] = headline(aReport({ outcome: "kept", approval }));
    expect(happened).toBe("games-3 has won and was not agreed to; games-2 stays champion.");
  });

  it("holds a first champion against the floor", () => {
    const metrics = [aMetric("accuracy", "accuracy", { challenger: 61 }, { role: "primary" })];
    const [happened, byHowMuch] = headline(aReport({ champion: null, metrics, headline: ["", "", ""] }));
    expect(happened).toBe("games-3 is the first champion.");
    expect(byHowMuch).toBe(
      "By the deciding metric, accuracy, games-3 scores 61.0 % on 400 questions, and with 95 % confidence 56.1 to 65.9 %; a first champion needs more than 40.0 %.",
    );
  });

  it("says what would tell when nothing is decided", () => {
    const wouldChange = ["To tell takes about 3,000 records."];
    const [, , next] = headline(aReport({ outcome: "inconclusive", wouldChange }));
    expect(next).toBe("games-2 goes on answering all traffic. To tell takes about 3,000 records.");
  });

  it.each(outcomes)("has three whole sentences for %s, also where nothing was measured", (outcome) => {
    for (const champion of [{ version: "games-2", metrics: {} }, null]) {
      const bare = { ...emptyReport(begun), outcome, champion, metrics: [], policy: null, wouldChange: [] };
      for (const sentence of headline(bare)) {
        expect(sentence).toMatch(/^\p{L}.*\.$/u);
        expect(sentence).not.toMatch(/undefined|null|NaN/);
      }
    }
  });
});

describe("beyondChanceSentence", () => {
  const standingOut = (metric: string, subset = "test") => ({ metric, subset, p: 0.001 });
  const said = (better: string[], worse: string[]) => {
    const beyondChance = {
      looked: 1234,
      better: better.map((name) => standingOut(name)),
      worse: worse.map((name) => standingOut(name, "labels.platform=ps5")),
    };
    const { metrics } = aReport();
    return beyondChanceSentence({ beyondChance, metrics, policy: null });
  };

  it("names what differs beyond chance, with all that were looked at counted", () => {
    expect(said(["accuracy_output_fn", "a"], ["b"])).toMatch(
      /^Of 1,234 metrics and parts of the questions, these differ beyond chance\. Better: [^;]+ \([+−].+ points\); a\. Worse: b on labels\.platform=ps5\. The chance that any of them is listed wrongly is 5 % at most\.$/,
    );
    expect(
      said(
        Array.from({ length: 12 }, (_, index) => `m${index}`),
        [],
      ),
    ).toMatch(/m9 and 2 more\. /);
  });

  it("says that nothing does, and nothing where nothing was compared", () => {
    expect(said([], [])).toBe(
      "Of 1,234 metrics and parts of the questions, none differs beyond chance, when it counts how many were looked at.",
    );
    expect(beyondChanceSentence({ beyondChance: null, metrics: [], policy: null })).toBeNull();
  });
});

describe("sharesInOrder", () => {
  it("takes the same share in a row for one, as that of the last step and of the time after it", () => {
    const share = (percent: number, seconds: number, looks: number) => ({ percent, seconds, looks });
    expect(
      sharesInOrder([share(50, 1, 1), share(100, 60, 3), share(100, 0.5, 4), share(50, 2, 1), share(0, 1, 0)]),
    ).toEqual([share(50, 1, 1), share(100, 60.5, 7), share(50, 2, 1), share(0, 1, 0)]);
    expect(sharesInOrder([])).toEqual([]);
  });
});

describe("policySentences", () => {
  it("says a gain of nothing as 0, and a ceiling where lower is better", () => {
    const policy = decisionPolicySchema.parse({ primary: "latency_ms", minGain: 0, floor: 200, guards: [] });
    expect(policySentences(policy, () => ({ unit: "ms", better: "lower" }))[0]).toBe(
      "It must be better than the champion on latency_ms with 95 % confidence, by at least 0 ms; a first champion must be below 200 ms.",
    );
  });

  it("says what was asked in the units of the metrics", () => {
    const policy = decisionPolicySchema.parse({
      primary: "accuracy",
      minGain: 0.02,
      guards: [
        { metric: "latency_ms", relativeMargin: 0.2 },
        { metric: "accuracy", margin: 0.05, on: "labels.platform=ps5" },
      ],
      approval: { deadlineSeconds: 60 },
    });
    expect(
      policySentences(policy, (metric) => ({ unit: metric === "latency_ms" ? "ms" : "ratio", better: "higher" })),
    ).toEqual([
      "It must be better than the champion on accuracy with 95 % confidence, by at least 2.0 points; a first champion must be above 40.0 %.",
      "It must not be worse on latency_ms by more than 20 % of the champion's value, with 95 % confidence.",
      "It must not be worse on accuracy of labels.platform=ps5 by more than 5.0 points, with 95 % confidence.",
      "No model may leave more than 5 % of its questions without an answer, and what is missing of one model only counts against the challenger.",
      "Somebody must agree before it gets traffic.",
    ]);
  });
});
