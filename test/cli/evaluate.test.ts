import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evaluateCommand } from "../../src/cli/evaluate.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { barOf, describeFound, type EvaluationFound } from "../../src/cli/evaluation-report.ts";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { aChat } from "../support/fake-ports.ts";
import { serveModel, type AskedOfModel, type ModelFake, type ModelReply } from "../support/model-fake.ts";

let directory: string;
let file: string;
let model: ModelFake;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-evaluate-"));
  file = join(directory, "test.jsonl");
  await write(Array.from({ length: 40 }, (_, index) => ({ ...aChat(`q${index}`), labels: { half: index % 2 } })));
  await serve(({ question }) => `answer to ${question}`);
});
afterEach(async () => {
  await model.stop();
  await rm(directory, { recursive: true });
});

const write = (items: unknown[]) => writeFile(file, items.map((item) => `${JSON.stringify(item)}\n`).join(""));
async function serve(reply: (asked: AskedOfModel) => ModelReply): Promise<void> {
  await model?.stop();
  model = await serveModel(reply);
}
const evaluate = (...args: string[]): Promise<CommandResult> =>
  runCommand(process.execPath, [TUNELOOP, "evaluate", ...args], {
    environment: { PATH: process.env["PATH"], MODEL_TOKEN: " secret-token\n", COLUMNS: "80" },
    directory,
  });
const ask = (...args: string[]): Promise<CommandResult> =>
  evaluate("--url", model.url, "--model", "served", "--test", file, ...args);

describe("tuneloop evaluate --url", () => {
  it("asks the questions of a file, by name and token, and prints metrics with intervals", async () => {
    const asked: AskedOfModel[] = [];
    await serve((question) => {
      asked.push(question);
      return question.question === "q7" ? "wrong" : `answer to ${question.question}`;
    });
    const options = ["--metrics", "exact-match,length", "--slices", "labels.half", "--token-secret", "MODEL_TOKEN"];
    const { code, stdout, stderr } = await ask(...options, "--temperature", "0.5", "--max-tokens", "9");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(asked).toHaveLength(40);
    expect(asked[0]).toMatchObject({
      token: "secret-token",
      body: { model: "served", temperature: 0.5, max_tokens: 9 },
    });
    expect(stdout).toMatch(
      new RegExp(`^served at ${model.url} was asked 40 questions in \\S+ s; 0 have no\\sanswer.\n`),
    );
    expect(stdout).toMatch(/exact_match +97\.5 % +87\.1 to 99\.6 % +40\n/);
    expect(stdout).toContain("labels.half=1:\n");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("prints one JSON object, with why questions have no answer", async () => {
    await serve(({ question }) =>
      question === "q1" ? "" : question === "q2" ? { status: 400, body: "{}" } : `answer to ${question}`,
    );
    const { code, stdout } = await ask("--json", "--metrics", "exact-match");
    expect(code).toBe(0);
    const found: EvaluationFound = JSON.parse(stdout);
    expect(found).toMatchObject({
      model: "served",
      url: model.url,
      records: 40,
      failed: 2,
      failures: { "the model's answer is empty": 1, "the model endpoint answered 400": 1 },
      promptTokens: 38 * 12,
      completionTokens: 38 * 3,
    });
    expect(found.metrics.find(({ metric }) => metric === "exact_match")).toMatchObject({ value: 0.95, ofAnswered: 1 });
  });

  it("ends with 1 and the reason when the endpoint refuses everybody", async () => {
    await serve(() => ({ status: 401, body: "a secret" }));
    const { code, stdout, stderr } = await ask("--token-secret", "MODEL_TOKEN");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe("served answered none of 40 questions: the model endpoint answered 401\n");
  });

  /** The same in this process: what is wrong with a call is found out before anybody is asked. */
  const call = (...args: string[]): Promise<unknown> =>
    evaluateCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .parseAsync(args, { from: "user" });
  const callAsking = (...args: string[]) => call("--url", model.url, "--model", "m", "--test", file, ...args);

  it.each<[string, () => Promise<unknown>, string]>([
    ["no file", () => call("--url", "http://127.0.0.1:1", "--model", "m"), "--test: name a chat-format JSONL file"],
    ["no model", () => call("--url", "http://127.0.0.1:1", "--test", "x"), "--model: name the model"],
    ["nothing", () => call(), "name a model version such as games-12, or an endpoint by --url"],
    ["both", () => callAsking("games-12"), "games-12: name either a model version or --url"],
    ["a file that is not there", () => callAsking("--test", "none.jsonl"), "none.jsonl: ENOENT"],
    [
      "an address with a password",
      () => callAsking("--url", "http://a:b@x"),
      "--url: must not have a name or password",
    ],
    ["a pack that nobody knows", () => callAsking("--metrics", "exact"), "exact"],
    ["a secret that is not set", () => callAsking("--token-secret", "NO_TOKEN"), "--token-secret: NO_TOKEN is not set"],
    ["a secret in place of its name", () => callAsking("--token-secret", "sk-12"), "--token-secret: must be the name"],
    ["no questions at once", () => callAsking("--concurrency", "0"), "--concurrency: "],
    ["--model for a version", () => call("games-12", "--model", "m"), "--model: belongs to --url"],
  ])("is a usage error when given %s, which says what to mend", async (_, run, message) => {
    const error: unknown = await run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain("sk-12");
    expect(model.ledger).toEqual([]);
  });

  it("refuses a word for a number", async () => {
    await expect(callAsking("--timeout", "soon")).rejects.toThrow("must be a number");
  });

  it("refuses a file with a bad line whole, naming the line", async () => {
    await write([aChat("q1"), { messages: [{ role: "user", content: "q" }] }]);
    await expect(callAsking()).rejects.toThrow(`${file}: line 2: no assistant message: there is no answer to learn`);
    await writeFile(file, "\n");
    await expect(callAsking()).rejects.toThrow(`${file}: there is no question in it`);
    await writeFile(file, Buffer.from([0xff, 0x0a]));
    await expect(callAsking()).rejects.toThrow(`${file}: it is not UTF-8`);
    expect(model.ledger).toEqual([]);
  });
});

const found: EvaluationFound = {
  model: "served",
  url: "https://models.example/a/long/path/to/the/model",
  records: 12_345,
  failed: 3,
  failures: { "the model endpoint answered 503": 2, "\u001b[31mred": 1 },
  promptTokens: 1000,
  completionTokens: 20,
  seconds: 12.34,
  metrics: [
    {
      metric: "accuracy_output_fn",
      title: "Right function",
      subset: "test",
      unit: "ratio",
      better: "higher",
      value: 0.91,
      interval: { lower: 0.9, upper: 0.92 },
      ofAnswered: 0.95,
      records: 12_345,
    },
  ],
  unusable: { cost_per_1000: "there are no token counts" },
};

describe("describeFound", () => {
  it.each([30, 44, 80, 200])("fits into %d columns, and shows what a terminal would obey as text", (width) => {
    const text = describeFound(found, width);
    const address = (line: string): boolean => line.includes("https://");
    expect(text.split("\n").filter((line) => line.length > width && !address(line))).toEqual([]);
    expect(text).not.toContain("\u001b");
    for (const part of ["91.0 %", "95.0 %", "12,345"]) expect(text).toContain(part);
    expect(text.replaceAll("\n", " ")).toContain("cost_per_1000 has no value: there are no token counts");
  });
});

describe("barOf", () => {
  const progress = { records: 200, answered: 48, failed: 2, perSecond: 10, lastFailure: "HTTP 503" };

  it("draws how much is done, with the newest reason", () => {
    expect(barOf(progress, 120)).toBe(
      `${"█".repeat(7)}${"░".repeat(23)} 25 %  50 of 200 questions, 2 without an answer, 10 a second, 15 s to go (HTTP 503)`,
    );
  });

  it.each([20, 40, 59, 60, 80, 300])("leaves the last of %d columns free", (columns) => {
    expect(barOf({ ...progress, lastFailure: "x".repeat(300) }, columns).length).toBeLessThan(columns);
  });
});
