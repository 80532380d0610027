import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { describeReport, findCycle, reportJsonSchema } from "../../src/cli/report.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";
import { aReport } from "../support/reports.ts";

async function storeWith(...cycles: string[]): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  for (const cycle of cycles) await store.put(`reports/${cycle}/report.json`, "{}");
  return store;
}

describe("findCycle", () => {
  it("finds a cycle by its name, and the newest of a pipeline by that", async () => {
    const store = await storeWith("games-9", "games-10", "games-10.2", "games-more-11");
    expect(await findCycle(store, "games-9")).toBe("games-9");
    expect(await findCycle(store, "games")).toBe("games-10.2");
    expect(await findCycle(store, "games-more")).toBe("games-more-11");
  });

  it("says what there is when there is no such report", async () => {
    const store = await storeWith("games-9");
    await expect(findCycle(store, "games-12")).rejects.toThrow(
      "there is no report of games-12 in s3://bucket/prefix/: a cycle writes one when it ends; the newest of games is games-9",
    );
    await expect(findCycle(store, "chess")).rejects.toThrow(
      "there is no report of chess in s3://bucket/prefix/: a cycle writes one when it ends",
    );
  });
});

describe("describeReport", () => {
  it("says what came of the cycle and where its page is, without control characters", () => {
    const report = aReport({ headline: ["It \u001b[31mfailed.", "Nothing.", "Look."] });
    expect(describeReport(report, new MemoryObjectStore(), 80)).toBe(
      "It \\u{1b}[31mfailed.\nNothing.\nLook.\n\nreport  s3://bucket/prefix/reports/games-3/index.html\n",
    );
  });

  it("says why a cycle has failed, below what to do about it", () => {
    const report = aReport({ headline: ["Failed.", "Nothing.", "See below."], failure: "JobFailed: no GPU" });
    expect(describeReport(report, new MemoryObjectStore(), 20)).toBe(
      "Failed.\nNothing.\nSee below.\n\nwhy     JobFailed:\n        no GPU\nreport  s3://bucket/prefix/reports/games-3/index.html\n",
    );
  });

  it("fits into a terminal, but for the address", () => {
    const report = aReport({ headline: ["It is good. ".repeat(20), "Yes.", "Look."] });
    const lines = describeReport(report, new MemoryObjectStore(), 30).split("\n");
    expect(lines.filter((line) => line.length > 30)).toEqual(["report  s3://bucket/prefix/reports/games-3/index.html"]);
  });
});

describe("reportJsonSchema", () => {
  const validate = new Ajv2020({ strict: false }).compile(reportJsonSchema());

  it("describes reports as they are stored", () => {
    const stored = JSON.parse(JSON.stringify(aReport()));
    expect(validate(stored)).toBe(true);
    expect(validate({ ...stored, added: "by a later release" })).toBe(true);
    expect(validate({ ...stored, metrics: [{}] })).toBe(false);
  });
});
