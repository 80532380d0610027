import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGateCatalog } from "../../src/adapters/own-gates.ts";
import type { Observation } from "../../src/domain/rollout-schema.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gates-"));
});
afterEach(() => rm(folder, { recursive: true }));

const quota = `
export const gate = {
  check({ mostLooks }) {
    if (typeof mostLooks !== "number") throw new Error("mostLooks: must be a number");
  },
  judge: (observations, { mostLooks }) =>
    observations.length > mostLooks
      ? { verdict: "fail", reason: \`\${observations.length} looks, \${mostLooks} may be\` }
      : { verdict: "hold", reason: "not enough looks" },
};
`;
const own = (options: Record<string, number | string>, gate = "quota") => [{ gate, options }];
const observation: Observation = {
  at: "2026-01-01T00:00:00Z",
  challengerPercent: 10,
  probes: [],
  feedback: { challenger: [], champion: [] },
  feedbackUpTo: null,
};

describe("createGateCatalog", () => {
  it("judges by the file of the gate's name, with the options given", async () => {
    await writeFile(join(folder, "quota.ts"), quota);
    const gates = createGateCatalog(["/nowhere", folder]);
    await gates.check(own({ mostLooks: 1 }));
    expect(await gates.judge(own({ mostLooks: 1 }), [observation])).toEqual([
      { gate: "quota", verdict: "hold", reason: "not enough looks" },
    ]);
    expect(await gates.judge(own({ mostLooks: 0 }), [observation])).toMatchObject([{ verdict: "fail" }]);
  });

  it("asks nothing where there are no gates of one's own", async () => {
    expect(await createGateCatalog([]).judge([], [observation])).toEqual([]);
  });

  it.each([
    ["options that the gate refuses", quota, "gate quota: options: mostLooks: must be a number"],
    ["a file that cannot be run", "export const gate = ;", "cannot be loaded"],
    ["a file without a gate", "export const door = 1;", "does not export a gate: gate: "],
    [
      "a file whose gate cannot judge",
      "export const gate = {};",
      "does not export a gate: gate.judge: must be a function",
    ],
  ])("refuses %s when a definition is checked", async (_, text, said) => {
    await writeFile(join(folder, "quota.mjs"), text);
    await expect(createGateCatalog([folder]).check(own({}))).rejects.toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining(said),
    });
  });

  it("says where it has looked for one that is not there", async () => {
    await expect(createGateCatalog([folder]).check(own({}, "burn-rate"))).rejects.toThrow(
      `gate burn-rate: there is no file burn-rate.ts or burn-rate.js: not in ${folder}`,
    );
    await expect(createGateCatalog([]).check(own({}))).rejects.toThrow("TUNELOOP_GATES names no folder");
  });

  it.each([
    ["answers nothing", "judge: () => undefined"],
    ["answers another word", 'judge: () => ({ verdict: "maybe", reason: "x" })'],
    ["throws", 'judge: () => { throw new Error("no") }'],
  ])("fails by the gate's name when it %s", async (_, judge) => {
    await writeFile(join(folder, "quota.mjs"), `export const gate = { ${judge} };`);
    await expect(createGateCatalog([folder]).judge(own({}), [observation])).rejects.toThrow(/^gate quota: /);
  });
});
