import { describe, expect, it } from "vitest";
import { reportSchema } from "../../src/domain/report-schema.ts";
import { aReport } from "../support/reports.ts";

describe("reportSchema", () => {
  it("reads what was written", () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(aReport())))).toEqual(aReport());
  });

  it.each(["beyondChance", "rollout", "approval"])("reads a report of before %s was in it", (field) => {
    const before: Record<string, unknown> = { ...aReport() };
    delete before[field];
    expect(reportSchema.parse(before)).toMatchObject({ cycle: "games-3", [field]: null });
  });

  it.each([
    ["a number that is none", { costUsd: Number.NaN }],
    ["an unknown outcome", { outcome: "won" }],
    ["a headline of two sentences", { headline: ["a", "b"] }],
  ])("refuses %s", (_, wrong) => {
    expect(reportSchema.safeParse({ ...aReport(), ...wrong }).success).toBe(false);
  });
});
