import { describe, expect, it } from "vitest";
import { reportMarkdown } from "../../src/report/markdown.ts";
import { reportPage } from "../../src/report/page.ts";
import { shareRows } from "../../src/report/rollout-section.ts";
import { aReport } from "../support/reports.ts";

const rollout = [
  { percent: 10, seconds: 300.2, looks: 11 },
  { percent: 50, seconds: 42, looks: 2 },
];

describe("shareRows", () => {
  it("has a row for each share that the challenger had, in order", () => {
    expect(shareRows({ rollout })).toEqual([
      ["10 %", "5 min 0 s", "11"],
      ["50 %", "42.0 s", "2"],
    ]);
    const baked = [...rollout, { percent: 100, seconds: 60, looks: 3 }, { percent: 100, seconds: 30, looks: 2 }];
    expect(shareRows({ rollout: baked }).slice(2)).toEqual([["100 %", "1 min 30 s", "5"]]);
    expect(shareRows({ rollout: null })).toEqual([]);
  });
});

describe("rolloutSection", () => {
  it("is on the page and in the Markdown where users met the challenger, and says what is not known", async () => {
    const report = aReport({ rollout });
    for (const text of [await reportPage(report), reportMarkdown(report)]) {
      expect(text).toContain("Users");
      expect(text).toContain("50 %");
      expect(text).toContain("How many requests that were is not counted");
    }
  });

  it("is left out where users met none", async () => {
    for (const text of [await reportPage(aReport()), reportMarkdown(aReport())]) {
      expect(text).not.toContain("How many requests that were");
    }
  });
});
