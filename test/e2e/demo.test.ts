import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { generatedPlan } from "../../src/dev/demo-data.ts";
import { readRunningStack } from "../../src/dev/stack-file.ts";
import { Ledger } from "../../src/emulator/ledger.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { runCommand, TUNELOOP } from "../support/command.ts";
import { sampleLines } from "../support/loop.ts";
import { cleanEnvironment } from "../support/stack.ts";

const METRICS = [
  "accuracy_attr_types",
  "accuracy_attr_types_order",
  "accuracy_format_attr_types",
  "accuracy_format_fn_type",
  "accuracy_output_fn",
  "failed_api_responses",
];

const modelSchema = z.strictObject({ version: z.string(), metrics: z.record(z.string(), z.number().min(0).max(1)) });

/** The one line that `tuneloop demo --json` prints. */
const demoSchema = z.strictObject({
  cycles: z.array(
    z.strictObject({
      datasetVersion: z.string(),
      recordsPerSource: z.record(z.string(), z.int()),
      jobId: z.string(),
      champion: modelSchema.nullable(),
      challenger: modelSchema,
      decision: z.strictObject({
        outcome: z.enum(["promote", "keep", "inconclusive"]),
        reasons: z.array(z.string()).min(1),
      }),
      outcome: z.string(),
      leaked: z.int().min(0),
      report: z.string(),
    }),
  ),
  seconds: z.number(),
});

const itemSchema = z.object({ messages: z.array(z.object({ role: z.string(), content: z.string() })) });

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-e2e-demo-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs a demo from the test's directory, where its state goes too. */
async function demo(...args: string[]): Promise<z.infer<typeof demoSchema> & { progress: string; state: string }> {
  const command = [TUNELOOP, "demo", "--json", ...args];
  const { code, stdout, stderr } = await runCommand(process.execPath, command, {
    environment: cleanEnvironment(),
    directory,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("Done in") });
  const state = join(directory, ".tuneloop", "demo");
  expect(readRunningStack(state)).toBeNull();
  return { ...demoSchema.parse(JSON.parse(stdout)), progress: stderr, state };
}

/** Different records per source after each round of the generated demo; a rare one is generated twice. */
function distinctRecords(): Record<string, number>[] {
  const seen = new Set<string>();
  const counts: Record<string, number> = {};
  return generatedPlan().rounds.map(({ deliveries }) => {
    for (const [source, jsonl] of Object.entries(deliveries)) {
      const messages = jsonl
        .trimEnd()
        .split("\n")
        .map((line) => JSON.stringify(itemSchema.parse(JSON.parse(line))));
      for (const text of messages) {
        if (!seen.has(text)) counts[source] = (counts[source] ?? 0) + 1;
        seen.add(text);
      }
    }
    return { ...counts };
  });
}

describe("tuneloop demo", () => {
  it("makes a first champion, replaces it by a better one, and keeps that one when its challenger is worse", async () => {
    const { cycles, state } = await demo();
    expect(cycles.map(({ outcome, decision }) => [outcome, decision.outcome])).toEqual([
      ["promoted", "promote"],
      ["promoted", "promote"],
      ["kept", "keep"],
    ]);
    expect(cycles.map(({ champion, challenger }) => [champion?.version, challenger.version])).toEqual([
      [undefined, "games-1"],
      ["games-1", "games-2"],
      ["games-2", "games-3"],
    ]);
    expect(cycles.map(({ datasetVersion }) => datasetVersion)).toEqual(["games@1", "games@2", "games@3"]);
    expect(cycles.map(({ recordsPerSource }) => recordsPerSource)).toEqual(distinctRecords());
    expect(new Set(cycles.map(({ jobId }) => jobId)).size).toBe(3);

    for (const { champion, challenger, report } of cycles) {
      for (const model of [champion, challenger]) {
        if (model !== null) expect(Object.keys(model.metrics).toSorted()).toEqual(METRICS);
      }
      expect(readFileSync(report, "utf8")).toContain(challenger.version);
      expect(existsSync(join(report, "..", "report.json"))).toBe(true);
    }
    const gain = (index: number): number =>
      (cycles[index]?.challenger.metrics["accuracy_output_fn"] ?? 0) -
      (cycles[index]?.champion?.metrics["accuracy_output_fn"] ?? 0);
    expect(gain(1)).toBeGreaterThan(0.01);
    expect(gain(2)).toBeLessThan(0);

    const applied = new Ledger(join(state, "emulator", "ledger.jsonl"))
      .read(serviceName("games"))
      .filter(({ path }) => path.endsWith("/apply"));
    const weights = (version: string): unknown[] => [
      ...new Set(
        applied.filter(({ request }) => request["version"] === version).map(({ request }) => request["canary_percent"]),
      ),
    ];
    expect(weights("games-2")).toEqual([0, 10, 50, 100]);
    expect(weights("games-3")).toEqual([0]);
    const alerts = readFileSync(join(state, "logs", "worker.log"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"alert":true') && line.includes('"level":40'));
    expect(alerts).toEqual([expect.stringContaining("retrain/games/3")]);
  });

  it("takes a person's own files, each a source, and runs one cycle below the threshold", async () => {
    const data = join(directory, "data");
    mkdirSync(data);
    writeFileSync(join(data, "Forum Posts.jsonl"), sampleLines({ seed: 1, count: 90 }).join("\n"));
    writeFileSync(join(data, "tickets.jsonl"), sampleLines({ seed: 2, count: 90 }).join("\n"));
    writeFileSync(join(directory, "test.jsonl"), sampleLines({ seed: 3, count: 120, split: "test" }).join("\n"));
    const { cycles, progress } = await demo("--data", "data", "--test", "test.jsonl");
    expect(cycles).toMatchObject([
      {
        datasetVersion: "games@1",
        recordsPerSource: { "forum-posts": 90, tickets: 90 },
        champion: null,
        challenger: { version: "games-1" },
        outcome: "promoted",
      },
    ]);
    expect(progress).toContain("fewer than the 200 that start a cycle by themselves: the order runNow starts one");
  });

  it.each([
    [["--test", "test.jsonl"], "--test goes with --data"],
    [["--data", "nowhere"], "nowhere"],
    [["--data", "."], ".: no *.jsonl file; each one becomes a source"],
  ])("refuses %j with exit code 2 before anything starts", async (args, message) => {
    const result = await runCommand(process.execPath, [TUNELOOP, "demo", ...args], {
      environment: cleanEnvironment(),
      directory,
    });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(existsSync(join(directory, ".tuneloop"))).toBe(false);
  });
});
