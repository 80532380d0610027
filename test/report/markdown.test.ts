import { describe, expect, it } from "vitest";
import { reportMarkdown } from "../../src/report/markdown.ts";
import { aReport } from "../support/reports.ts";

describe("reportMarkdown", () => {
  it("says what the page says, without the charts", () => {
    const text = reportMarkdown(aReport());
    expect(text).toContain(
      "# games: cycle games-3\n\n**games-3 is the new champion; it replaces games-2.**\n\nBy the deciding metric, right function, games-3 scores 91.2 %",
    );
    expect(text).toContain("| right function (decides) | all | 400 | 22.5 % (17.6 to 27.4 %)");
    expect(text).toContain("| source=discord | 180 |");
    expect(text).toContain("Checkpoint step-8 (step 8 of the training) answers for games-3: 93.4 % by accuracy");
    expect(text).toMatch(/\+6\.9 points \([^)]* points at 95 %\)/);
    expect(text).toContain("Intervals of values are at 95 %; those of differences say at how much:");
    expect(text).toContain("31 better, 6 worse; some of them:");
    expect(text).toContain("| worse | Little Nightmares is a great horror game");
    expect(text).toContain("no answer: HTTP 500: overloaded");
    expect(text).toContain("Job [`prodjob_1`](https://console.anyscale.com/jobs/prodjob_1): 2,920 records in 4.2 s.");
    expect(text).toContain("| discord | 1,240 | 1,101 | 130 | 9 |");
    expect(text).toContain("| messages: no assistant answer | 7 | discord/delivery-3.jsonl\\#17 |");
    expect(text).toContain("| roll out | 3 min 39 s |");
    expect(text).toContain("The training has cost 0.42 USD.");
    expect(text).toContain("| decision | promote | decisions/games-3.json |");
  });

  it("says what is not known, and leaves out what there is nothing of", () => {
    const text = reportMarkdown(
      aReport({
        outcome: "failed",
        failure: "JobFailed: out of memory",
        decision: null,
        metrics: [],
        tables: [],
        arms: [],
        changes: null,
        training: null,
        data: null,
        job: null,
        costUsd: null,
        recordsPerSource: {},
        wouldChange: [],
        unknown: [{ what: "the training data", reason: "NotFound" }],
      }),
    );
    expect(text).toContain("- JobFailed: out of memory\n- the training data is not known: NotFound");
    expect(text).toContain("What the training has cost is not counted.");
    expect(text).not.toMatch(/## (Metrics|Data|Training|What got)|undefined|null|NaN/);
  });

  it.each([
    ["<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"],
    ["[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"],
    ["![x](http://evil.test/pixel.png)", "\\!\\[x\\](http:\\//evil.test/pixel.png)"],
    ["see www.evil.test", "see www\\.evil.test"],
    ["=cmd|' /C calc'!A0", "\\=cmd\\|' /C calc'\\!A0"],
    ["a | b", "a \\| b"],
    ["`code` and \\`", "\\`code\\` and \\\\\\`"],
    ["*bold* _italic_ snake_case ~~gone~~", "\\*bold\\* \\_italic\\_ snake_case \\~\\~gone\\~\\~"],
    ["one\n## two\r\nthree", "one \\#\\# two three"],
    ["\u001b[31mred", "⟨U+001B⟩\\[31mred"],
    ["txt.\u202Egnp", "txt.⟨U+202E⟩gnp"],
    ["&lt;b&gt;", "\\&lt;b\\&gt;"],
  ])("shows %j from outside as it is", (failure, escaped) => {
    expect(reportMarkdown(aReport({ failure }))).toContain(`\n- ${escaped}\n`);
  });

  it.each(["javascript:alert(1)", "not a URL", "https://a.test/x) [y](z", "https://a.test/\u202E"])(
    "does not turn the job's page %j into a link",
    (job) => {
      const text = reportMarkdown(aReport({ links: { workflow: null, job } }));
      expect(text).toContain("Job `prodjob_1`:");
      expect(text).not.toContain("javascript:");
    },
  );

  it("keeps code spans whole whatever is in them", () => {
    const job = { id: "a`](javascript:x)\n# b", url: null, trainSeconds: 1, trainedRecords: 1 };
    expect(reportMarkdown(aReport({ job, links: { workflow: null, job: null } }))).toContain(
      "Job `a'](javascript:x) # b`: 1 records",
    );
  });
});
