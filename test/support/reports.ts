/** Reports as a pipeline that has been through a few cycles would have them. */
import { decisionPolicySchema } from "../../src/domain/decide-schema.ts";
import { headline } from "../../src/domain/report.ts";
import type { ArmName, ChangedAnswer, LearningPoint, Report, ReportMetric } from "../../src/domain/report-schema.ts";

const sha = (digit: string): string => digit.repeat(64);

/** A metric of right and wrong answers, shares given in percent. */
export function aMetric(
  metric: string,
  title: string,
  shares: Partial<Record<ArmName, number>>,
  overrides: Partial<ReportMetric> = {},
): ReportMetric {
  const total = overrides.total ?? 400;
  const spread = 98 / Math.sqrt(total);
  const arms = Object.fromEntries(
    Object.entries(shares).map(([name, share]) => [
      name,
      {
        value: share / 100,
        interval: { lower: Math.max(0, share - spread) / 100, upper: Math.min(100, share + spread) / 100 },
        ofAnswered: null,
      },
    ]),
  );
  const { champion, challenger } = shares;
  const gain = champion === undefined || challenger === undefined ? null : (challenger - champion) / 100;
  return {
    metric,
    title,
    subset: "test",
    unit: "ratio",
    better: "higher",
    kind: "binary",
    role: "reported",
    total,
    arms,
    difference:
      gain === null
        ? null
        : { value: gain, interval: { lower: gain - spread / 160, upper: gain + spread / 160 }, confidence: 0.95 },
    threshold: null,
    changed: gain === null ? null : { gained: 31, lost: 6 },
    ...overrides,
  };
}

const text = (content: string, isCut = false) => ({ text: content, isCut });

/** A question whose answer changed. */
export function aChange(overrides: Partial<ChangedAnswer> = {}): ChangedAnswer {
  return {
    id: sha("c"),
    direction: "better",
    metrics: { accuracy_output_fn: "better", accuracy_attr_types: "better" },
    subsets: ["source=discord"],
    question: [
      {
        role: "user",
        content: text("Little Nightmares is a great horror game from 2017 that I really enjoyed on PC."),
      },
    ],
    expected: text("Output: give_opinion(name[Little Nightmares], release_year[2017], genres[horror], platforms[PC])"),
    champion: {
      answer: text("Output: inform(name[Little Nightmares], release_year[2017], platforms[PC])"),
      error: null,
    },
    challenger: {
      answer: text("Output: give_opinion(name[Little Nightmares], release_year[2017], genres[horror], platforms[PC])"),
      error: null,
    },
    ...overrides,
  };
}

/** How earlier cycles did. */
export function aPoint(cycle: string, trainedRecords: number, share: number): LearningPoint {
  return {
    cycle,
    endedAt: "2026-01-01T12:00:00.000Z",
    outcome: "promoted",
    trainedRecords,
    testSet: sha("a"),
    metric: "accuracy_output_fn",
    measured: {
      value: share / 100,
      interval: { lower: (share - 4) / 100, upper: (share + 4) / 100 },
      ofAnswered: null,
    },
  };
}

const all = { base: 22.5, "base-few-shot": 48, champion: 84.3, challenger: 91.2 };

/** The report of a third cycle that promoted its challenger. */
export function aReport(overrides: Partial<Report> = {}): Report {
  const policy = decisionPolicySchema.parse({
    primary: "accuracy_output_fn",
    guards: [{ metric: "accuracy_attr_types", margin: 0.02, on: "test" }],
  });
  const metrics = [
    aMetric("accuracy_output_fn", "right function", all, { role: "primary", threshold: 0.01 }),
    aMetric(
      "accuracy_attr_types",
      "right attributes",
      { base: 12, "base-few-shot": 30, champion: 71, challenger: 73.5 },
      { role: "guard", threshold: -0.02 },
    ),
    aMetric("accuracy_attr_types_order", "right attributes in order", {
      base: 8,
      "base-few-shot": 22,
      champion: 64,
      challenger: 62.5,
    }),
    aMetric(
      "failed_api_responses",
      "questions without an answer",
      { base: 0.5, "base-few-shot": 0, champion: 0, challenger: 0.3 },
      { better: "lower" },
    ),
    aMetric(
      "latency_p95",
      "95 % of answers come within",
      {},
      {
        unit: "ms",
        better: "lower",
        kind: "statistic",
        changed: null,
        arms: {
          champion: { value: 41, interval: { lower: 38, upper: 47 }, ofAnswered: null },
          challenger: { value: 44, interval: { lower: 40, upper: 51 }, ofAnswered: null },
        },
        difference: { value: 3, interval: { lower: -2, upper: 9 }, confidence: 0.95 },
      },
    ),
    aMetric(
      "accuracy_output_fn",
      "right function",
      { champion: 95, challenger: 94.1 },
      { subset: "retention", total: 120 },
    ),
    ...["discord", "twitch", "zendesk"].map((source, index) =>
      aMetric(
        "accuracy_output_fn",
        "right function",
        { champion: 84 - index * 3, challenger: 91 - index * 5 },
        { subset: `source=${source}`, total: 180 - index * 60, role: "reported" },
      ),
    ),
  ];
  const report: Report = {
    format: 1,
    cycle: "games-3",
    pipeline: "games",
    workflowId: "retrain/games/3",
    outcome: "promoted",
    startedAt: "2026-01-03T12:00:00.000Z",
    endedAt: "2026-01-03T12:04:31.000Z",
    datasetVersion: "games@3",
    recordsPerSource: { discord: 2310, twitch: 912, zendesk: 214 },
    failedSources: {},
    job: {
      id: "prodjob_1",
      url: "https://console.anyscale.com/jobs/prodjob_1",
      trainSeconds: 4.21,
      trainedRecords: 2920,
    },
    costUsd: 0.42,
    champion: { version: "games-2", metrics: { accuracy_output_fn: 0.843 } },
    challenger: { version: "games-3", metrics: { accuracy_output_fn: 0.912 } },
    testSet: { key: `testsets/games/${sha("a")}.jsonl`, sha256: sha("a"), records: 400 },
    decision: {
      outcome: "promote",
      reasons: [
        "accuracy_output_fn: challenger 91.2 %, champion 84.3 % of 400 records; 31 answers got right, 6 got wrong (exact McNemar p < 0.0001): the challenger is better.",
        "accuracy_attr_types: difference −0.6 to 5.6 points with 90 % confidence: within the 2.0 points allowed.",
      ],
      key: "decisions/games-3.json",
      sha256: sha("d"),
    },
    approval: null,
    rollout: null,
    leaked: 0,
    failure: null,
    phases: { prepare: 0.8, train: 31.4, deploy: 6.2, evaluate: 12.9, decide: 0.7, "roll out": 219.2 },
    headline: ["", "", ""],
    policy,
    wouldChange: ["The champion would stay if the challenger lost 14 more of these questions."],
    arms: (["base", "base-few-shot", "champion", "challenger"] as const).map((name, index) => ({
      name,
      model: ["llama", "llama", "games-2", "games-3"][index] ?? "",
      evaluation: String(index).repeat(32),
      asked: 520,
      failed: 0,
      failure: null,
    })),
    metrics,
    beyondChance: {
      looked: metrics.length,
      better: [{ metric: "accuracy_output_fn", subset: "test", p: 0.0004 }],
      worse: [],
    },
    tables: [
      {
        arm: "challenger",
        title: "functions: expected (rows) and answered (columns)",
        head: ["expected", "inform", "give_opinion", "request", "other"],
        rows: [
          ["inform", 180, 4, 1, 0],
          ["give_opinion", 6, 92, 0, 1],
          ["request", 2, 1, 108, 0],
        ],
      },
    ],
    changes: {
      better: 31,
      worse: 6,
      instructions: text("Turn the sentence into a function with attributes."),
      shown: [
        aChange(),
        aChange({
          id: sha("d"),
          direction: "worse",
          metrics: { accuracy_attr_types: "worse" },
          subsets: ["source=twitch"],
          champion: { answer: text("Output: give_opinion(name[Little Nightmares], genres[horror])"), error: null },
          challenger: { answer: null, error: "HTTP 500: overloaded" },
        }),
      ],
    },
    learningCurve: [aPoint("games-1", 420, 61), aPoint("games-2", 1510, 84.3), aPoint("games-3", 2920, 91.2)],
    training: {
      recipe: "embedded",
      baseModel: null,
      task: "frames",
      taskReason: "All answers are functions with attributes.",
      chosen: { name: "step-8", step: 8, metric: "accuracy_output_fn", value: 0.934, candidates: 4 },
      loss: Array.from({ length: 40 }, (_, step) => ({ step, loss: 1.9 * Math.exp(-step / 12) + 0.12 })),
    },
    data: {
      records: { train: 2920, valid: 172, test: 344 },
      sources: [
        { source: "discord", received: 1240, accepted: 1101, duplicates: 130, quarantined: 9, failure: null },
        { source: "twitch", received: 402, accepted: 402, duplicates: 0, quarantined: 0, failure: null },
      ],
      otherSources: 0,
      quarantine: [
        { reason: "messages: no assistant answer", items: 7, example: "discord/delivery-3.jsonl#17" },
        { reason: "not JSON", items: 2, example: "discord/delivery-3.jsonl#90" },
      ],
      quarantineUnknown: 0,
    },
    lineage: [
      { what: "dataset version", name: "games@3", key: "datasets/games/versions/000003.json", hash: sha("b") },
      { what: "test set", name: "400 questions", key: `testsets/games/${sha("a")}.jsonl`, hash: sha("a") },
      { what: "training job", name: "prodjob_1", key: null, hash: null },
      { what: "model version", name: "games-3", key: "models/games/games-3/model.json", hash: sha("e") },
      { what: "evaluation", name: "champion games-2", key: `evaluations/${"2".repeat(32)}/`, hash: "2".repeat(32) },
      { what: "evaluation", name: "challenger games-3", key: `evaluations/${"3".repeat(32)}/`, hash: "3".repeat(32) },
      { what: "decision", name: "promote", key: "decisions/games-3.json", hash: sha("f") },
    ],
    links: {
      workflow: "http://127.0.0.1:8233/namespaces/default/workflows/retrain%2Fgames%2F3/1/history",
      job: "https://console.anyscale.com/jobs/prodjob_1",
    },
    unknown: [],
    ...overrides,
  };
  return { ...report, headline: overrides.headline ?? headline(report) };
}
