/**
 * The two command lines: every workflow started and steered by the `temporal` CLI with plain JSON, as people do who have
 * no code of ours, and `tuneloop start`, `state` and `env`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../src/dev/wait.ts";
import type { PipelineView } from "../../src/domain/pipeline.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { serviceName } from "../../src/domain/ids.ts";
import {
  aPipeline,
  askService,
  deliver,
  giveTestSet,
  readRegistry,
  sampleLines,
  startLoop,
  weightsAsked,
  type Loop,
} from "../support/loop.ts";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { cleanEnvironment } from "../support/stack.ts";

const FIRST = sampleLines({ seed: 1, count: 60 });
const recipe = { name: "embedded" };
const policy = { steps: [100], soakSeconds: 0, bakeSeconds: 0 };
const zeros = "0".repeat(64);

let loop: Loop;

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
});

afterAll(() => loop.stop());

/** `temporal workflow execute`: the result of a workflow that completed. */
async function execute(type: string, workflowId: string, input: unknown): Promise<unknown> {
  const { code, stdout, stderr } = await run(type, workflowId, input);
  if (code !== 0) throw new Error(`${type}: ${stdout}${stderr}`);
  return (JSON.parse(stdout) as { result: unknown }).result;
}

function run(type: string, workflowId: string, input: unknown): Promise<CommandResult> {
  const command = `workflow execute -o json --task-queue tuneloop --type ${type} --workflow-id ${workflowId}`;
  return loop.temporal(...command.split(" "), "--input", JSON.stringify(input));
}

async function state(name: string): Promise<PipelineView> {
  const command = `workflow query -o json --workflow-id pipeline/${name} --name state`;
  const { code, stdout, stderr } = await loop.temporal(...command.split(" "));
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { queryResult: [PipelineView] }).queryResult[0];
}

/** Waits until the query `state` shows this. */
async function untilState(name: string, shown: object): Promise<void> {
  await waitFor(async () => expect(await state(name)).toMatchObject(shown), { timeoutMs: 60_000 });
}

async function order(name: string, update: string, input?: unknown): Promise<{ code: number | null; text: string }> {
  const command = `workflow update execute --workflow-id pipeline/${name} --name ${update}`;
  const argument = input === undefined ? [] : ["--input", JSON.stringify(input)];
  const { code, stdout, stderr } = await loop.temporal(...command.split(" "), ...argument);
  return { code, text: stdout + stderr };
}

describe("workflows started alone by the temporal CLI", () => {
  it("bring a dataset up to date, read a source, and run a cycle to a first champion", async () => {
    const { sources, ...pipeline } = aPipeline(loop, { name: "alone" });
    await deliver(loop, "alone/1.jsonl", FIRST);
    const update = await execute("updateDataset", "any-id", {
      dataset: "alone",
      sources,
      split: { valid: 0, test: 0 },
    });
    expect(update).toMatchObject({ dataset: "alone", version: 1, records: 60, added: 60, failedSources: {} });
    const batch = await execute("ingestSource", "ingest-alone", { dataset: "alone", source: sources[0] });
    expect(batch).toMatchObject({ source: "alone", received: 60, quarantined: 0 });
    const report = await execute("retrain", "retrain/alone/1", { pipeline: { sources, ...pipeline } });
    expect(report).toMatchObject({ outcome: "promoted", datasetVersion: "alone@1", cycle: "alone-1" });
    expect(await askService(loop, "alone")).toBe("alone-1");
  });

  it("train another model, bring it up silently, ask it, and take it down or promote it", async () => {
    const { testSet } = await readRegistry(loop, "alone");
    const rollout = { pipeline: "alone", model: "alone-1.2", recipe, policy, testSet };
    const trained = await execute("fineTune", "fine-tune-alone", {
      pipeline: "alone",
      model: "alone-1.2",
      datasetVersion: 1,
      recipe: { ...recipe, hyperparameters: { seed: 7, epochs: 20 } },
    });
    expect(trained).toMatchObject({ model: "alone-1.2", trainedRecords: 60 });
    await execute("rollOut", "silent-alone", { ...rollout, target: "silent", reason: "to look at it" });
    const evaluation = await execute("evaluateModel", "evaluate-alone", {
      pipeline: "alone",
      model: "alone-1.2",
      testSet,
      vocabulary: objectKeys.vocabulary("alone", 1),
    });
    expect(evaluation).toMatchObject({ model: "alone-1.2", records: 300, failed: 0, shards: 2 });
    expect(await weightsAsked(loop, "alone", "alone-1.2")).toEqual([0]);

    await execute("rollOut", "withdraw-alone", { ...rollout, target: "withdrawn", reason: "seen enough" });
    expect(await loop.emulator.client.services.find(serviceName("alone"))).toMatchObject({ canary_version: null });
    await execute("rollOut", "silent-again", { ...rollout, target: "silent", reason: "to use it" });
    const promoted = await execute("rollOut", "promote-alone", { ...rollout, target: "promoted", reason: "by hand" });
    expect(promoted).toMatchObject({ champion: "alone-1.2" });
    expect(await readRegistry(loop, "alone")).toMatchObject({ champion: "alone-1.2", challenger: null, lock: null });
    expect(await askService(loop, "alone")).toBe("alone-1.2");
  });
});

describe("a pipeline steered by the temporal CLI", () => {
  it("hears a signal, is paused and resumed, runs a cycle when told to, and says where it stands", async () => {
    const name = "steered";
    const definition = aPipeline(loop, { name });
    const start = `workflow start --task-queue tuneloop --type pipeline --workflow-id pipeline/${name} --input`;
    const started = await loop.temporal(...start.split(" "), JSON.stringify(definition));
    expect(started.code).toBe(0);
    await untilState(name, { name, dataset: { version: null, records: 0 }, minNewRecords: 200, cycle: null });

    expect(await order(name, "pause", { reason: "holidays" })).toMatchObject({ code: 0 });
    await untilState(name, { paused: true, pauseReason: "holidays" });
    await deliver(loop, `${name}/1.jsonl`, FIRST);
    const signal = `workflow signal --workflow-id pipeline/${name} --name datasetUpdated --input`.split(" ");
    const news = JSON.stringify({ updateId: "delivery-1", dataset: name });
    for (const message of [news, news, JSON.stringify({ updateId: "x", dataset: "other" })]) {
      expect(await loop.temporal(...signal, message)).toMatchObject({ code: 0 });
    }
    await untilState(name, {
      dataset: { version: 1, records: 60 },
      newRecords: 60,
      signals: { duplicates: 1, rejected: 1 },
      rejected: [`datasetUpdated: dataset: this pipeline is about ${name}`],
    });

    expect(await order(name, "resume")).toMatchObject({ code: 0 });
    expect(await order(name, "runNow", { reason: "cannot wait" })).toMatchObject({ code: 0 });
    await untilState(name, { paused: false, lastOutcome: `retrain/${name}/1: promoted`, cycle: null, newRecords: 0 });
    expect(await askService(loop, name)).toBe(`${name}-1`);
  });

  it("refuses an order with an unknown field and one it does not know", async () => {
    const refused = await order("steered", "pause", { becauseOf: "me" });
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain("becauseOf: unknown field");
    expect((await order("steered", "explode")).code).not.toBe(0);
    expect(await state("steered")).toMatchObject({ paused: false });
  });
});

describe("a workflow started with bad fields", () => {
  const source = { id: "a", kind: "s3-jsonl", uri: "s3://bucket/a/" };
  const dataset = { dataset: "bad", sources: [source] };
  const pipeline = { name: "bad", sources: [source], recipe };
  const testSet = { key: "k", sha256: zeros, records: 1 };
  const served = { pipeline: "bad", model: "bad-1", testSet };
  const promotion = { ...served, recipe, reason: "r", target: "promoted" };

  it.each([
    ["updateDataset", { ...dataset, dataset: "Bad Name" }, "dataset: must be 1 to 40 of a-z, 0-9 and -"],
    ["updateDataset", { ...dataset, sources: [] }, "sources: name at least one source"],
    ["updateDataset", { ...dataset, quorom: 1 }, 'Unrecognized key: "quorom"'],
    ["ingestSource", { dataset: "bad", source: { ...source, uri: "http://a/b" } }, "source.uri: must be s3://"],
    ["ingestSource", { dataset: "bad", source: { ...source, kind: "fax" } }, "source.kind: "],
    [
      "retrain",
      { pipeline: { ...pipeline, rollout: { steps: [50] } } },
      "pipeline.rollout.steps: the last step must be",
    ],
    ["retrain", { pipeline, version: 0 }, "version: "],
    ["retrain", { pipeline: { ...pipeline, recipe: { name: "magic" } } }, "recipe.name: "],
    ["fineTune", { pipeline: "bad", model: "bad", datasetVersion: 1, recipe }, "model: must be a model version"],
    ["evaluateModel", { ...served, vocabulary: "" }, "vocabulary: "],
    ["rollOut", { ...served, recipe, reason: "r", target: "up" }, "target: "],
    ["rollOut", { ...promotion, policy: { steps: [10, 101] } }, "policy.steps.1: "],
    ["rollOut", { ...promotion, policy: { steps: [50, 10, 100] } }, "policy.steps: steps must rise"],
    ["rollOut", { ...promotion, policy: { soakSeconds: -1 } }, "policy.soakSeconds: "],
    ["pipeline", { ...pipeline, decide: { alpha: 2 } }, "decide.alpha: "],
    ["pipeline", { ...pipeline, recipe: { ...recipe, hyperparameters: { epoch: 3 } } }, "hyperparameters.epoch: "],
    ["pipeline", [1, 2], "expected object"],
  ])("fails at once with InvalidInput: %s %j", async (type, input, message) => {
    const { code, stdout } = await run(type, `bad/${type}/${JSON.stringify(input).length}`, input);
    expect(code).not.toBe(0);
    const { status, closeEvent } = JSON.parse(stdout) as {
      status: string;
      closeEvent: {
        workflowExecutionFailedEventAttributes: { failure: { message: string; applicationFailureInfo: object } };
      };
    };
    expect(status).toBe("FAILED");
    const { failure } = closeEvent.workflowExecutionFailedEventAttributes;
    expect(failure.applicationFailureInfo).toMatchObject({ type: "InvalidInput", nonRetryable: true });
    expect(failure.message).toContain(message);
  });
});

describe("tuneloop start, state and env", () => {
  /** A definition in YAML, in a file of this name. */
  function write(name: string, text: string): string {
    const file = join(loop.stack.stateDirectory, `${name}.yaml`);
    writeFileSync(file, text);
    return file;
  }

  const good = (name: string): string =>
    `name: ${name}\nsources:\n  - { id: chat, kind: s3-jsonl, uri: s3://tuneloop/nowhere/ }\nrecipe: { name: embedded }\n`;

  it("start a pipeline from YAML, leave one that runs as it is, and tell its state", async () => {
    const file = write("weather", good("weather"));
    const first = await loop.tuneloop("start", "-f", file, "--json");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const started = JSON.parse(first.stdout) as { runId: string };
    expect(started).toEqual({ workflowId: "pipeline/weather", runId: expect.any(String), started: true });
    const second = await loop.tuneloop("start", "-f", file, "--json");
    expect(JSON.parse(second.stdout)).toEqual({ ...started, started: false });
    const third = await loop.tuneloop("start", "-f", file);
    expect(third.code).toBe(0);
    expect(third.stdout).toContain("pipeline/weather runs already and was left as it is");
    expect(third.stdout).toContain("temporal workflow cancel --workflow-id pipeline/weather");

    const json = await loop.tuneloop("state", "weather", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "weather", minNewRecords: 200, cycle: null });
    const shown = await loop.tuneloop("state", "weather");
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^new +0 of 200 records since the last cycle$/m);
  });

  it("pause it and let it go on, with or without a reason", async () => {
    const paused = await loop.tuneloop("pause", "weather", "--by", "ann", "--reason", "holidays", "--json");
    expect(JSON.parse(paused.stdout)).toEqual({ accepted: true, orderId: "pause-1", workflowId: "pipeline/weather" });
    expect((await loop.tuneloop("state", "weather")).stdout).toContain("status    Paused by ann: holidays.");
    const resumed = await loop.tuneloop("resume", "weather");
    expect(resumed).toMatchObject({ code: 0, stderr: "" });
    expect(resumed.stdout).toContain("pipeline/weather took order resume-2.");
    expect((await loop.tuneloop("state", "weather")).stdout).not.toContain("Paused");
    const unknown = await loop.tuneloop("pause", "nobody");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("pipeline/nobody does not run: start it with tuneloop start -f FILE");
  });

  it("find the stack in its state directory when no Temporal server is named", async () => {
    const args = [TUNELOOP, "state", "weather", "--json", "--state", loop.stack.stateDirectory];
    const { code, stdout } = await runCommand(process.execPath, args, { environment: cleanEnvironment() });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "weather" });
  });

  it.each([
    ["a line that is not YAML", `${good("bad")}evaluate: [1\n`, /at line [56]/],
    ["an unknown field", `${good("bad")}rollot: {}\n`, /bad\.yaml:5: definition: Unrecognized key: "rollot"/],
    [
      "an unknown field further in",
      `${good("bad")}rollout:\n  steps: [100]\n  soak: 3\n`,
      /bad\.yaml:7: rollout: Unrecognized key: "soak"/,
    ],
    ["a wrong value", good("bad").replace("s3-jsonl", "fax"), /bad\.yaml:3: sources\.0\.kind: /],
    ["an unknown recipe", good("bad").replace("embedded", "gpt"), /bad\.yaml: recipe\.name: gpt is not known/],
    ["nothing", "", /bad\.yaml: definition: /],
  ])("refuse %s with exit code 2, the file, the line and the field", async (_, text, message) => {
    const { code, stdout, stderr } = await loop.tuneloop("start", "-f", write("bad", text));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it("refuse a missing file, a missing option and a name that is none with exit code 2", async () => {
    const commands = [["start", "-f", "/nowhere.yaml"], ["start"], ["state"], ["state", "No Name"]];
    const results = await Promise.all(commands.map((args) => loop.tuneloop(...args)));
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    expect(results[0]?.stderr).toContain("/nowhere.yaml: cannot be read");
  });

  it("say with exit code 1 that a pipeline has ended, and how", async () => {
    await loop.tuneloop("start", "-f", write("brief", good("brief")));
    const handle = loop.client.workflow.getHandle("pipeline/brief");
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    const { code, stdout, stderr } = await loop.tuneloop("state", "brief");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("pipeline/brief is cancelled");
  });

  it("lead other tools to the stack by the environment that env prints", async () => {
    const { code, stdout } = await loop.tuneloop("env", "--state", loop.stack.stateDirectory);
    expect(code).toBe(0);
    const script = `${stdout}\nprintf %s "$AWS_SECRET_ACCESS_KEY $TEMPORAL_ADDRESS"`;
    const read = await runCommand("sh", ["-c", script], { environment: cleanEnvironment() });
    const { AWS_SECRET_ACCESS_KEY, TEMPORAL_ADDRESS } = loop.stack.environment;
    expect(read.stdout).toBe(`${AWS_SECRET_ACCESS_KEY} ${TEMPORAL_ADDRESS}`);
    const nowhere = await loop.tuneloop("env", "--state", "/nowhere");
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toContain("no stack runs on /nowhere: start one with tuneloop dev");
  });

  it("say with exit code 1 that there is no such pipeline, or no server", async () => {
    const unknown = await loop.tuneloop("state", "nobody");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("there is no pipeline nobody: start one with tuneloop start -f FILE");
    expect(unknown.stderr).toMatch(/looked for workflow pipeline\/nobody in namespace default at 127\.0\.0\.1:\d+/);
    const environment = { ...cleanEnvironment(), TEMPORAL_ADDRESS: "127.0.0.1:1" };
    const commands = [
      ["state", "weather"],
      ["start", "-f", write("weather", good("weather"))],
    ];
    const ends = commands.map((args) => runCommand(process.execPath, [TUNELOOP, ...args], { environment }));
    for (const { code, stdout, stderr } of await Promise.all(ends)) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain("no Temporal server answers at 127.0.0.1:1");
    }
  });
});
