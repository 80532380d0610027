import { describe, expect, it } from "vitest";
import { approvalAlert, cycleAlert, phaseAlert, severityOf, testAlert } from "../../src/domain/alert.ts";
import {
  notOpenedAlert,
  sourcesFailedAlert,
  unreadableAlert,
  updateFailedAlert,
} from "../../src/domain/pipeline-alerts.ts";
import { alertKindSchema, alertSchema, type AlertKind } from "../../src/domain/alert-schema.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { cycleOutcomeSchema, type CycleOutcome, type CycleReport } from "../../src/domain/report-schema.ts";
import { rollBackCommand } from "../../src/domain/roll-back.ts";
import { aTestSet } from "../support/builders.ts";

const dated = { format: 1, at: "2026-01-31T12:00:00.000Z", runId: null } as const;
const uri = "s3://tuneloop/reports/games-12/index.html";

function aReport(overrides: Partial<CycleReport> = {}): CycleReport {
  const begun = emptyReport({
    cycle: "games-12",
    pipeline: "games",
    workflowId: "retrain/games/12",
    startedAt: "2026-01-31T11:00:00.000Z",
    datasetVersion: "games@12",
    recordsPerSource: { discord: 250 },
    champion: "games-11",
  });
  return {
    ...begun,
    outcome: "promoted",
    endedAt: "2026-01-31T12:00:00.000Z",
    job: { id: "prodjob_1", url: "https://console.example/jobs/prodjob_1", trainSeconds: 60, trainedRecords: 200 },
    costUsd: 1.25,
    champion: { version: "games-11", metrics: { accuracy: 0.85, exact_match: 0.5 } },
    challenger: { version: "games-12", metrics: { accuracy: 0.9, exact_match: 0.5 } },
    testSet: aTestSet(),
    decision: {
      outcome: "promote",
      reasons: ["accuracy is better by 5.0 %, from 85.0 % to 90.0 % of 20 records."],
      key: "decisions/games-12.json",
      sha256: "0f".repeat(32),
    },
    ...overrides,
  };
}

/** What each end says first and last, how much it matters, and which commands lead on. */
const ends: Record<CycleOutcome, { severity: string; title: RegExp; next: RegExp[] }> = {
  promoted: {
    severity: "info",
    title: /^games-12 is the new champion/,
    next: [/report/, /explain/, /decision verify games-12$/],
  },
  kept: {
    severity: "warning",
    title: /^games-11 stays champion; games-12 got no traffic/,
    next: [/report/, /explain/],
  },
  inconclusive: { severity: "warning", title: /^It cannot be told/, next: [/report/, /explain/, /runNow/] },
  "rolled-back": {
    severity: "error",
    title: /could not be rolled out/,
    next: [/report/, /explain/, /workflow show --workflow-id retrain\/games\/12\/roll-out$/, /runNow/],
  },
  failed: { severity: "error", title: /failed/, next: [/report/, /explain/, /workflow show/, /runNow/] },
  cancelled: { severity: "warning", title: /cancelled/, next: [/report/, /explain/, /runNow/] },
};

describe("cycleAlert", () => {
  it.each(cycleOutcomeSchema.options)("says how a cycle has ended as %s, and what to do next", (outcome) => {
    const alert = cycleAlert(aReport({ outcome }), uri, true);
    const { severity, title, next } = ends[outcome];
    expect(alertSchema.parse({ ...dated, ...alert })).toMatchObject({ kind: outcome, severity, cycle: "games-12" });
    expect(alert.title).toMatch(title);
    expect(alert.next).toHaveLength(next.length);
    for (const [index, command] of next.entries()) expect(alert.next[index]?.command).toMatch(command);
    expect(alert.text[0]).toContain("accuracy is better by 5.0 %");
  });

  it("takes no part of a metric's name for another metric", () => {
    const metrics = { accuracy: 0.9, accuracy_fn: 0.8 };
    const decision = { outcome: "keep" as const, reasons: ["accuracy_fn is worse."], key: "k", sha256: "0f" };
    const { facts } = cycleAlert(aReport({ decision, challenger: { version: "games-12", metrics } }), uri, true);
    expect(facts.map(({ name }) => name).filter((name) => name in metrics)).toEqual(["accuracy_fn"]);
  });

  it("rounds the half up, as the sentences of the decision do", () => {
    const challenger = { version: "games-12", metrics: { accuracy: 0.9225 } };
    const champion = { version: "games-11", metrics: { accuracy: 0.9075 } };
    const { facts } = cycleAlert(aReport({ challenger, champion }), uri, true);
    expect(facts[0]).toEqual({ name: "accuracy", value: "0.908 → 0.923" });
  });

  it("shows the numbers that the decision speaks of, and what the cycle was made of", () => {
    const { facts, links } = cycleAlert(aReport(), uri, true);
    expect(facts).toEqual([
      { name: "accuracy", value: "0.850 → 0.900" },
      { name: "dataset", value: "games@12" },
      { name: "test set", value: "20 records" },
      { name: "trained on", value: "200 records" },
      { name: "cost", value: "1.25 USD" },
      { name: "took", value: "60 min" },
    ]);
    expect(links).toEqual([
      { name: "report", uri },
      { name: "training job", uri: "https://console.example/jobs/prodjob_1" },
    ]);
  });

  it.each([
    [0.0034, "0.0034 USD"],
    [0, "0.00 USD"],
    [12.345, "12.35 USD"],
  ])("shows what %s USD are without rounding them to nothing", (costUsd, value) => {
    expect(cycleAlert(aReport({ costUsd }), uri, true).facts).toContainEqual({ name: "cost", value });
  });

  it("shows what users got of a challenger that went back, and why", () => {
    const rollout = [0, 10, 50, 100, 100].map((percent) => ({ percent, seconds: 300, looks: 10 }));
    const alert = cycleAlert(aReport({ outcome: "rolled-back", failure: "GateFailed: slow", rollout }), uri, true);
    expect(alert.text).toContain("GateFailed: slow");
    expect(alert.facts).toContainEqual({
      name: "met users",
      value: "10 % for 5 min, 50 % for 5 min, 100 % for 10 min",
    });
  });

  it.each(cycleOutcomeSchema.options)("orders nothing of a pipeline that a %s cycle does not belong to", (outcome) => {
    const { next } = cycleAlert(aReport({ outcome }), uri, false);
    expect(next.filter(({ command }) => command.includes("runNow"))).toEqual([]);
  });

  it("says why a cycle that decided nothing has failed, and leads to no decision", () => {
    const alert = cycleAlert(
      aReport({ outcome: "failed", decision: null, job: null, failure: "JobFailed: no GPU" }),
      uri,
      true,
    );
    expect(alert.title).toBe("games-12: The cycle failed; games-11 stays champion.");
    expect(alert.text).toEqual(["JobFailed: no GPU"]);
    expect(alert.next.some(({ command }) => command.includes("explain"))).toBe(false);
  });

  it.each([
    { isOfPipeline: true, others: [/runNow/] },
    { isOfPipeline: false, others: [] },
  ])("leads first to the command that helps where the champion does not serve ($isOfPipeline)", (of) => {
    const command = rollBackCommand("games", { to: "games-11", replaceOthers: true });
    const failure = `ServiceChanged: games serves x; rm -rf ~, not the champion games-11: bring it back by ${command}`;
    const { next } = cycleAlert(aReport({ outcome: "failed", decision: null, failure }), uri, of.isOfPipeline);
    expect(next[1]).toEqual({ what: "Bring the champion back", command });
    expect(next[2]?.command).toMatch(/workflow show/);
    expect(next.slice(3)).toHaveLength(of.others.length);
    for (const [index, other] of of.others.entries()) {
      expect(next[3 + index]).toEqual({ what: "Then train once more", command: expect.stringMatching(other) });
    }
  });

  it.each([
    // What others have named their version is no command.
    "ServiceChanged: games serves tuneloop rollout rollback games;reboot, not games-11",
    "ServiceChanged: games-12 was taken down by roll-back/games/1: too slow",
    `RolloutLocked: send that rollout back by ${rollBackCommand("games")}`,
    `ServiceChanged: bring it back by ${rollBackCommand("other", { to: "other-1" })}`,
  ])("prints no rollback that a failure does not ask for: %s", (failure) => {
    const { next } = cycleAlert(aReport({ outcome: "rolled-back", decision: null, failure }), uri, true);
    expect(next.map(({ what }) => what)).toEqual(["Open the report", "See what happened", "Train once more"]);
  });

  it("says who agreed, which sources are missing, that scores say too much, and that there is no report", () => {
    const approval = { answer: "approved", by: "ana", reason: "looks right", at: dated.at } as const;
    const alert = cycleAlert(aReport({ approval, leaked: 3, failedSources: { slack: "Refused: x" } }), null, true);
    expect(alert.text.slice(1)).toEqual([
      "Approved by ana: looks right.",
      "3 training records ask a question of the test set: scores of models trained on them say too much.",
      "The dataset version was made without the newest of slack.",
      "The report could not be written.",
    ]);
    expect(alert.links.map(({ name }) => name)).toEqual(["training job"]);
  });

  it("is short enough for a history, however many reasons there are and however long", () => {
    const reasons = Array.from({ length: 100 }, () => "😀".repeat(5000));
    const { text } = cycleAlert(
      aReport({ decision: { outcome: "promote", reasons, key: "k", sha256: "0f" } }),
      uri,
      true,
    );
    expect(text).toHaveLength(21);
    expect(text.at(-1)).toBe("And 80 more.");
    expect(text.every((sentence) => sentence.length <= 1000 && sentence.isWellFormed())).toBe(true);
  });
});

describe("approvalAlert", () => {
  it("says until when, what happens then, and how to answer", () => {
    const awaited = {
      cycle: "games-12",
      workflowId: "retrain/it's/12",
      until: "2026-02-01T12:00:00.000Z",
      onDeadline: "keep",
      answer: null,
    } as const;
    const decision = { reasons: ["It is better."] };
    const alert = approvalAlert({ pipeline: { name: "games" }, champion: "games-11", decision, awaited });
    expect(alert.text).toEqual([
      "It is better.",
      "When nobody has answered by 2026-02-01T12:00:00.000Z, the champion stays.",
    ]);
    expect(alert.next[1]?.command).toBe('tuneloop approve games --cycle games-12 --reason "why"');
    expect(alert.next[3]?.command).toBe(
      `temporal workflow update execute --workflow-id 'retrain/it'\\''s/12' --name approve --input '{"cycle":"games-12","reason":"why","by":"your name"}'`,
    );
  });
});

describe("every other alert", () => {
  const { workflowId } = aReport();
  it.each([
    ["phase", phaseAlert(aReport(), "train")],
    ["not-begun", notOpenedAlert({ pipeline: "games", workflowId, isOfPipeline: true }, "NotFound: no version")],
    ["update-failed", updateFailedAlert("games", "pipeline/games/update-1", "QuorumNotMet: 0 of 1")],
    ["sources-failed", sourcesFailedAlert("games", "pipeline/games", { slack: "Refused: invalid_auth" })],
    ["unreadable", unreadableAlert("games", "pipeline/games", "Unavailable: 503")],
    ["test", testAlert("games", dated.at)],
  ] as const satisfies [AlertKind, unknown][])("is whole: %s", (kind, alert) => {
    const parsed = alertSchema.parse({ ...dated, ...alert });
    expect(parsed).toMatchObject({ kind, pipeline: "games", severity: severityOf(kind) });
    expect(parsed.title).toContain("games");
    expect(parsed.text.length).toBeGreaterThan(0);
  });

  it("names many sources that failed, and says how to try some of them", () => {
    const failed = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`source-${index}`, "Refused: no"]));
    const alert = sourcesFailedAlert("games", "pipeline/games", failed);
    expect(alert.title).toContain("50 sources could not be read");
    expect(alert.text).toHaveLength(20);
    expect(alert.next[0]?.command).toBe("tuneloop source try games.yaml source-0");
  });
});

describe("severityOf", () => {
  it("says of every kind how much it matters", () => {
    for (const kind of alertKindSchema.options) expect(["info", "warning", "error"]).toContain(severityOf(kind));
  });
});
