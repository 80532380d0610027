/** What docs/rollouts.md shows, as it stands there. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import { feedbackSchema, rolloutPolicySchema, type Observation } from "../../src/domain/rollout-schema.ts";
import { rolloutOrders } from "../../src/domain/rollout.ts";

const docs = readFileSync(new URL("../../docs/rollouts.md", import.meta.url), "utf8");
const block = (language: string): string => docs.split(`\`\`\`${language}\n`)[1]?.split("```")[0] ?? "";
const policy = rolloutPolicySchema.parse(parse(block("yaml")).rollout);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gates-"));
  // As Node would run it.
  await writeFile(join(folder, "long-answers.js"), stripTypeScriptTypes(block("ts")));
});
afterAll(() => rm(folder, { recursive: true }));

function look(latencyMs: number | null): Observation {
  return {
    at: "2026-01-01T00:00:00Z",
    challengerPercent: 10,
    probes: Array.from({ length: 8 }, (_, index) => ({
      id: `${index}`,
      challenger: { latencyMs, score: null },
      champion: null,
    })),
    feedback: { challenger: [], champion: [] },
    feedbackUpTo: null,
  };
}

describe("the documented gate", () => {
  it.each([
    ["hold", [100]],
    ["pass", [100, 100, 100]],
    ["fail", [100, 100, 5000]],
    ["fail", [100, 100, null]],
    ["pass", [5000, 100, 100, 100, 100, 100]],
  ])("says %s after looks of %o ms, with the documented options", async (verdict, latencies) => {
    const gates = createGateCatalog([folder]);
    await gates.check(policy.gates.own);
    expect(await gates.judge(policy.gates.own, latencies.map(look))).toMatchObject([{ gate: "long-answers", verdict }]);
  });

  it("refuses options that it cannot use", async () => {
    const wrong = [{ gate: "long-answers", options: { mostMs: "4 s" } }];
    await expect(createGateCatalog([folder]).check(wrong)).rejects.toThrow("mostMs: must be a number");
  });
});

describe("the documented page", () => {
  it("shows opinions as they are read", () => {
    const lines = block("jsonl").trim().split("\n");
    expect(lines.map((line) => feedbackSchema.safeParse(JSON.parse(line)).success)).toEqual([true, true]);
  });

  it("names every order", () => {
    for (const order of rolloutOrders) expect(docs).toMatch(new RegExp(`--name ${order}|or \`${order}\``));
  });
});
