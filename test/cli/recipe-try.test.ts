import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recipeTryCommand, tryRecipe } from "../../src/cli/recipe-try.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { generateSample } from "../../src/dev/sample-data.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-try-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, lines: readonly (string | Buffer | object)[]): Promise<string> {
  const path = join(directory, name);
  const bytes = lines.flatMap((line) => [
    Buffer.isBuffer(line) ? line : Buffer.from(typeof line === "string" ? line : JSON.stringify(line)),
    Buffer.from("\n"),
  ]);
  await writeFile(path, Buffer.concat(bytes));
  return path;
}

const good = (
  split: "train" | "test",
  seed: number,
  count: number,
  outputs: "frames" | "labels" | "answers" = "frames",
): object[] => generateSample({ seed, count, split, outputs });

describe("tryRecipe", () => {
  it("trains on all train files and scores on the test file", async () => {
    const train = [await file("a.jsonl", good("train", 1, 100)), await file("b.jsonl", good("train", 2, 100))];
    const test = await file("t.jsonl", good("test", 3, 50));
    const told: string[] = [];
    const result = tryRecipe({ train, test }, (line) => told.push(line));
    expect(Object.keys(result.metrics)).toEqual([
      "accuracy_format_fn_type",
      "accuracy_format_attr_types",
      "accuracy_output_fn",
      "accuracy_attr_types",
      "accuracy_attr_types_order",
      "exact_match",
    ]);
    expect(result).toMatchObject({
      task: "frames",
      noAnswer: null,
      trainRecords: 200,
      testRecords: 50,
      leftOut: { train: 0, test: 0 },
      metrics: { accuracy_format_fn_type: 1 },
    });
    const { accuracy_output_fn: fn, accuracy_attr_types: types, exact_match: exact } = result.metrics;
    expect(fn).toBeGreaterThan(0.6);
    expect(exact).toBeGreaterThan(0);
    expect(exact).toBeLessThanOrEqual(types ?? 0);
    expect(told).toHaveLength(16);
    expect(told[0]).toMatch(/^frames, a model that makes function calls: 100\.0 % of the 200 training outputs/);
    expect(told.at(-1)).toMatch(/^step 15\/15 loss 0\.\d{4}$/);
  });

  it.each([
    ["labels", "labels", ["accuracy", "macro_f1", "exact_match"], /^labels, a model that chooses one of/, 16],
    ["answers", "retrieval", ["token_f1", "rouge_l", "exact_match"], /^retrieval, no model: answers of the most/, 1],
  ] as const)("chooses and measures what fits %s", async (outputs, task, metrics, sentence, lines) => {
    const train = [await file("a.jsonl", good("train", 1, 200, outputs))];
    const test = await file("t.jsonl", good("test", 3, 50, outputs));
    const told: string[] = [];
    const result = tryRecipe({ train, test }, (line) => told.push(line));
    expect(result.task).toBe(task);
    expect(Object.keys(result.metrics)).toEqual(metrics);
    expect(result.metrics[metrics[0]]).toBeGreaterThan(0.3);
    expect(result.metrics[metrics[0]]).toBeLessThan(0.95);
    expect(result.noAnswer === null).toBe(task === "labels");
    expect(told).toHaveLength(lines);
    expect(told[0]).toMatch(sentence);
    expect(told[0]).toContain(result.taskReason);
  });

  it("measures frames without what stands before them", async () => {
    const lines = generateSample({ seed: 1, count: 60, split: "train" }).map(({ messages: [, question, answer] }) => ({
      messages: [question, { role: "assistant", content: `Let me think. Output: ${answer?.content}` }],
    }));
    const train = await file("a.jsonl", lines);
    expect(tryRecipe({ train: [train], test: train }, () => {}).metrics["exact_match"]).toBeGreaterThan(0.8);
  });

  it("gives the same figures for the same seed", async () => {
    const train = [await file("a.jsonl", good("train", 1, 60))];
    const test = await file("t.jsonl", good("test", 3, 30));
    const figures = () => {
      const { trainSeconds: _, answerMs: __, ...rest } = tryRecipe({ train, test, seed: 5 }, () => {});
      return rest;
    };
    expect(figures()).toEqual(figures());
  });

  it("leaves bad lines out, and says how many and why", async () => {
    const bad = [
      "{",
      "",
      { messages: [] },
      { messages: [{ role: "user", content: "a" }] },
      { messages: [{ role: "robot", content: "a" }] },
      {
        messages: [
          { role: "user", content: " " },
          { role: "assistant", content: "b" },
        ],
      },
      "1",
    ];
    const train = await file("a.jsonl", [...bad, ...good("train", 1, 60)]);
    const test = await file("t.jsonl", good("test", 3, 30));
    const told: string[] = [];
    expect(tryRecipe({ train: [train], test }, (line) => told.push(line))).toMatchObject({
      trainRecords: 60,
      leftOut: { train: 6, test: 0 },
    });
    expect(told.slice(0, 7)).toEqual([
      `${train}: 6 of 66 lines left out`,
      `${train}: line 1: is not JSON`,
      expect.stringContaining(`${train}: line 3: messages: `),
      `${train}: line 4: messages: expected a user turn and, after it, an assistant turn`,
      expect.stringContaining(`${train}: line 5: messages.0.role: `),
      `${train}: line 6: messages.0.content: is empty`,
      `${train}: and 1 more`,
    ]);
  });

  it.each([
    ["has no example", ["{"], "no example in it, line 1: is not JSON"],
    ["is empty", [], "no example in it, the file is empty"],
    ["is not UTF-8", [Buffer.from([0xc3, 0x28])], "it is not UTF-8"],
  ])("refuses a file that %s", async (_, lines, message) => {
    const train = await file("a.jsonl", lines);
    const test = await file("t.jsonl", good("test", 3, 5));
    expect(() => tryRecipe({ train: [train], test }, () => {})).toThrow(new UsageError(`${train}: ${message}`));
  });

  it("refuses a file that is not there, a bad seed, and data that is not for this recipe", async () => {
    const train = await file("a.jsonl", good("train", 1, 20));
    const test = await file("t.jsonl", good("test", 3, 5));
    const few = await file("f.jsonl", good("train", 1, 9));
    expect(() => tryRecipe({ train: [join(directory, "none")], test }, () => {})).toThrow(UsageError);
    expect(() => tryRecipe({ train: [train], test, seed: 1.5 }, () => {})).toThrow(/^--seed: /);
    expect(() => tryRecipe({ train: [few], test }, () => {})).toThrow(/^9 training records .* at least 10$/);
  });
});

describe("recipeTryCommand", () => {
  it("prints one JSON object on standard output, and progress elsewhere", async () => {
    const train = await file("a.jsonl", good("train", 1, 40));
    const test = await file("t.jsonl", good("test", 3, 10));
    const script = `import { recipeTryCommand } from ${JSON.stringify(join(import.meta.dirname, "../../src/cli/recipe-try.ts"))};
      await recipeTryCommand().parseAsync(process.argv.slice(1), { from: "user" });`;
    const options = ["--input-type=module", "-e", script, "--", "--train", train, "--test", test, "--json"];
    const child = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "pipe"] });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(err).toContain("step 15/15");
    expect(JSON.parse(out)).toMatchObject({ trainRecords: 40, testRecords: 10, task: "frames" });
    expect(out.trimEnd()).not.toContain("\n");
  });

  it("asks for both kinds of files", async () => {
    const command = recipeTryCommand().configureOutput({ writeErr: () => {} });
    await expect(command.parseAsync([], { from: "user" })).rejects.toThrow(
      "required option '--train <file>' not specified",
    );
  });

  it("says how a recipe that needs servers is tried", async () => {
    const args = ["majority", "--train", "a.jsonl", "--test", "t.jsonl"];
    const attempt = recipeTryCommand().parseAsync(args, { from: "user" });
    await expect(attempt).rejects.toThrow(
      /^majority: only the embedded recipe can be tried without servers\. .*tuneloop dev/,
    );
    await expect(attempt).rejects.toBeInstanceOf(UsageError);
  });
});
