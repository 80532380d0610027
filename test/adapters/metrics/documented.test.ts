/** What docs/metrics.md shows, as it stands there. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pino } from "pino";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig, loadSourceConfig } from "../../../src/config.ts";
import { decideSchema } from "../../../src/domain/decide-schema.ts";
import { scoreAnswers, summarise } from "../../../src/domain/evaluation.ts";
import { evaluateSchema } from "../../../src/domain/evaluate-schema.ts";
import { builtInPacks } from "../../../src/domain/metrics/built-in-packs.ts";
import { refusalPatterns } from "../../../src/domain/metrics/refusal.ts";
import { responses } from "../../../src/domain/metrics/responses.ts";
import { createPorts } from "../../../src/temporal/ports.ts";
import type { Ports } from "../../../src/ports.ts";
import { aPrediction, aTestRecord, noContext } from "../../support/answers.ts";
import { runCommand, TUNELOOP } from "../../support/command.ts";
import { fakeWorkflows } from "../../support/fake-ports.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const docs = readFileSync(join(repository, "docs", "metrics.md"), "utf8");
const blocks = [...docs.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name = "", text = ""]) => ({ name, text }));
const named = (name: string): string => blocks.find((block) => block.name === name)?.text ?? "";
const definitionSchema = z.object({ evaluate: evaluateSchema, decide: decideSchema.prefault({}) });
const definition = (name: string) => definitionSchema.parse(parse(named(name)));

let folder: string;
let environment: Record<string, string>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tuneloop-metrics-"));
  writeFileSync(join(folder, "price.ts"), named("price.ts"));
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  environment = {
    TUNELOOP_METRICS: folder,
    TUNELOOP_S3_URI: "s3://bucket/",
    ANYSCALE_CLI_TOKEN: "aph0_none",
    PATH: process.env["PATH"] ?? "",
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The worker's own port, as it is made for a worker. */
function workerPorts(): Ports {
  const outside = { log: pino({ enabled: false }), workflows: fakeWorkflows(), sources: loadSourceConfig(environment) };
  return createPorts(loadConfig(environment), outside);
}

describe("the documented table of metrics", () => {
  it("is what there is", () => {
    const rows = [...docs.matchAll(/^\| (\S*) +\| `(\w+)` +\| (\w+) +\| (\w+) +\| (\w+) +\| (.+?) +\|$/gm)];
    const prices = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 };
    const packs = [responses, ...builtInPacks.map((kind) => kind.create(kind.example ?? {}, { ...noContext, prices }))];
    const metrics = packs.flatMap((pack) => pack.metrics);
    expect(rows.map(([, , name, unit, better, kind]) => [name, unit, better, kind])).toEqual(
      metrics.map(({ name, unit, better, kind }) => [name, unit, better, kind]),
    );
    const said = rows.map(([, , name, , , , unanswered]) => [name, unanswered]);
    for (const [name, unanswered] of said) {
      const metric = metrics.find((candidate) => candidate.name === name);
      if (unanswered === "a miss" || unanswered === "see below") continue;
      expect(unanswered, name).toBe(metric?.unanswered === null ? "-" : JSON.stringify(metric?.unanswered));
    }
  });

  it("names as many groups of refusals as there are patterns", () => {
    const list = docs.slice(docs.indexOf("An answer refuses"), docs.indexOf("These are English"));
    expect(list.match(/^- /gm)).toHaveLength(6);
    expect(refusalPatterns).toHaveLength(9);
  });
});

describe("the documented definitions", () => {
  it.each(["definition", "judge"])("are taken: %s", async (name) => {
    await expect(workerPorts().metrics.check(definition(name))).resolves.toBeUndefined();
  });
});

describe("the documented pack in one file", () => {
  it("measures answers through the worker's port", async () => {
    const { metrics } = workerPorts();
    const chosen = definition("price.yaml");
    await metrics.check(chosen);
    const resolved = await metrics.resolve(chosen, []);
    expect(resolved.policy.primary).toBe("price_right");
    const packs = await metrics.open(resolved.metrics, noContext);
    const pairs: [string, string | null][] = [
      ["It costs $10.", "That is $10.50"],
      ["It costs $10.", "$ 20"],
      ["It costs $10.", "I do not know."],
      ["It is free.", "$5"],
      ["It costs $4", "$1"],
      ["It costs $4", null],
    ];
    const records = pairs.map(([expected], index) => aTestRecord({ id: `r${index}`, expected }));
    const predictions = records.map(({ id, expected }, index) =>
      aPrediction({ id, expected, answer: pairs[index]?.[1] ?? null }),
    );
    expect(summarise(scoreAnswers(records, predictions, { packs }), packs)["test"]).toEqual({
      failed_api_responses: 1 / 6,
      price_right: 1 / 4,
      price_error: (0.5 + 10 + 3) / 3,
      price_median: 10.5,
    });
    const median = packs.at(-1)?.statistics?.["price_median"]?.([1, 5, 9]);
    expect([median?.(), median?.(Uint32Array.of(0, 0, 2)), median?.(Uint32Array.of(0, 0, 0))]).toEqual([5, 9, null]);
  });

  it("is listed by the command", async () => {
    const args = [TUNELOOP, "metrics", "--json"];
    const { code, stdout } = await runCommand(process.execPath, args, { environment, directory: folder });
    expect(code).toBe(0);
    const { packs } = JSON.parse(stdout) as { packs: { name: string; file: string | null }[] };
    expect(packs.at(-1)).toMatchObject({ name: "price", file: join(folder, "price.ts") });
  });
});
