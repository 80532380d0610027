import { describe, expect, it } from "vitest";
import { cycleAlert, sourcesFailedAlert } from "../../src/domain/alert.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { reportMarkdown, summary } from "../../src/domain/report.ts";
import { cycleOutcomeSchema, cycleReportSchema, type CycleReport } from "../../src/domain/report-schema.ts";

const begun = {
  cycle: "games-12",
  pipeline: "games",
  workflowId: "retrain/games/12",
  startedAt: "2026-01-01T00:00:00Z",
  datasetVersion: "games@12",
  recordsPerSource: { discord: 1200, twitch: 30 },
  champion: "games-11",
};
const report = (overrides: Partial<CycleReport> = {}): CycleReport => ({ ...emptyReport(begun), ...overrides });
const promoted = report({
  outcome: "promoted",
  endedAt: "2026-01-01T01:00:00Z",
  job: {
    id: "prodjob_1",
    url: "https://console.anyscale.com/jobs/prodjob_1",
    trainSeconds: 12.34,
    trainedRecords: 1020,
  },
  champion: { version: "games-11", metrics: { accuracy_output_fn: 0.8, accuracy_attr_types: null } },
  challenger: { version: "games-12", metrics: { accuracy_output_fn: 0.9 } },
  testSet: { key: "testsets/games/abc.jsonl", sha256: "abc", records: 120 },
  decision: {
    outcome: "promote",
    reasons: ["accuracy_output_fn: the challenger is better."],
    key: "decisions/games-12.json",
  },
  phases: { train: 60.04, evaluate: 3 },
});
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

describe("reportMarkdown", () => {
  it("shows what was measured, in one table over both models", () => {
    const text = reportMarkdown(promoted);
    expect(text).toContain("# games: cycle games-12\n\n**games-12 is the new champion; it replaces games-11.**");
    expect(text).toContain("| metric | games-11 | games-12 |");
    expect(text).toContain("| accuracy_output_fn | 0.800 | 0.900 |");
    expect(text).toContain("| accuracy_attr_types | not measured | not measured |");
    expect(text).toContain("Both on the same 120 records of `testsets/games/abc.jsonl`.");
    expect(text).toContain("| discord | 1200 |");
    expect(text).toContain("Job [`prodjob_1`](https://console.anyscale.com/jobs/prodjob_1): 1020 records in 12.3 s.");
    expect(text).toContain("| train | 60.0 |");
  });

  it("says which sources failed when the version was made, and why", () => {
    expect(reportMarkdown(promoted)).not.toContain("failed");
    const text = reportMarkdown({ ...promoted, failedSources: { zendesk: "Refused: <b>no</b>" } });
    expect(text).toContain("Made without the newest of these, which failed:\n\n| source | reason |");
    expect(text).toContain("| zendesk | Refused: \\<b\\>no\\</b\\> |");
  });

  it("says what the training has cost when that is counted, also of a job that failed", () => {
    expect(reportMarkdown(promoted)).not.toContain("USD");
    expect(reportMarkdown({ ...promoted, costUsd: 1.256 })).toContain("in 12.3 s.\nIt has cost 1.26 USD.\n");
    expect(reportMarkdown(report({ costUsd: 3 }))).toContain("## Training\n\nIt has cost 3.00 USD.\n");
  });

  it("leaves out every section that it knows nothing of", () => {
    const text = reportMarkdown(report({ recordsPerSource: {}, champion: null }));
    expect(text).not.toMatch(/## |undefined|null|NaN/);
  });

  it.each([
    ["<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"],
    ["[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"],
    ["![x](http://evil.test/pixel.png)", "\\!\\[x\\](http://evil.test/pixel.png)"],
    ["a | b", "a \\| b"],
    ["`code` and \\`", "\\`code\\` and \\\\\\`"],
    ["*bold* _italic_ snake_case ~~gone~~", "\\*bold\\* \\_italic\\_ snake_case \\~\\~gone\\~\\~"],
    ["one\n## two\r\nthree\u0000\u001b[31m", "one \\#\\# two  three  \\[31m"],
    ["txt.\u202Egnp", "txt. gnp"],
    ["a\u0085b\u2028c", "a b c"],
    ["&lt;b&gt;", "\\&lt;b\\&gt;"],
  ])("shows %j from outside as it is", (failure, escaped) => {
    expect(reportMarkdown(report({ failure }))).toContain(`\n- ${escaped}\n`);
  });

  it("escapes names in tables", () => {
    const text = reportMarkdown(report({ recordsPerSource: { "a|b\n<i>": 3 } }));
    expect(text).toContain("| a\\|b \\<i\\> | 3 |");
  });

  it.each([
    ["javascript:alert(1)", "Job `prodjob_1`:"],
    ["not a URL", "Job `prodjob_1`:"],
    ["https://a.test/x) [y](z", "Job `prodjob_1`:"],
    ["https://a.test/jobs/x?y=z&a=b#c", "Job [`prodjob_1`](https://a.test/jobs/x?y=z&a=b#c):"],
  ])("does not turn the job's page %j into another link", (url, shown) => {
    const text = reportMarkdown({ ...promoted, job: { id: "prodjob_1", url, trainSeconds: 1, trainedRecords: 1 } });
    expect(text).toContain(shown);
    expect(text).not.toContain("javascript:");
  });

  it("keeps code spans whole whatever is in them", () => {
    const job = { id: "a`](javascript:x)\n# b", url: null, trainSeconds: 1, trainedRecords: 1 };
    expect(reportMarkdown({ ...promoted, job })).toContain("Job `a'](javascript:x) # b`: 1 records");
  });
});

describe("sourcesFailedAlert", () => {
  it("names what failed, with the reasons, as a warning", () => {
    const alert = sourcesFailedAlert("games", "pipeline/games/update-4", {
      slack: "Refused: no",
      zendesk: "TooLate: no",
    });
    expect(alert).toMatchObject({
      severity: "warning",
      pipeline: "games",
      workflowId: "pipeline/games/update-4",
      title: "games: 2 sources could not be read: slack, zendesk",
    });
    expect(alert.text.slice(0, 2)).toEqual(["slack: Refused: no", "zendesk: TooLate: no"]);
    expect(sourcesFailedAlert("games", "w", { slack: "no" }).title).toBe("games: a source could not be read: slack");
  });
});

describe("cycleAlert", () => {
  it("says without which sources' news the models were trained", () => {
    const alert = cycleAlert({ ...promoted, failedSources: { zendesk: "Refused: no" } }, "s3://x");
    expect(alert.text).toContain("The dataset version was made without the newest of zendesk.");
  });

  it.each([
    ["promoted", "info"],
    ["kept", "warning"],
    ["inconclusive", "warning"],
    ["cancelled", "warning"],
    ["rolled-back", "error"],
    ["failed", "error"],
  ] as const)("tells of %s as %s", (outcome, severity) => {
    const alert = cycleAlert({ ...promoted, outcome }, "s3://b/reports/games-12/report.md");
    expect(alert).toMatchObject({ severity, pipeline: "games", workflowId: "retrain/games/12" });
    expect(alert.title).not.toContain("*");
    expect(alert.text.at(-1)).toBe("Report: s3://b/reports/games-12/report.md");
  });

  it("tells the decision's reasons and the failure", () => {
    const { text } = cycleAlert({ ...promoted, failure: "the service is gone" }, "uri");
    expect(text).toEqual(["accuracy_output_fn: the challenger is better.", "the service is gone", "Report: uri"]);
  });
});
