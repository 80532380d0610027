/** Decisions on a local stack, from the answers to the record: checked, tampered with, explained, and agreed to by people. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { approvalRecordSchema, type ApprovalRecord } from "../../src/domain/approval-schema.ts";
import { verifyDecision } from "../../src/decision/verify.ts";
import { decisionRecordSchema, type DecisionRecord } from "../../src/domain/decision-record-schema.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { PipelineView } from "../../src/domain/pipeline.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import { workflowIds } from "../../workflows/names.ts";
import { until } from "../support/emulator.ts";
import { serveJudge, type JudgedCase } from "../support/judge-fake.ts";
import {
  aPipeline,
  askService,
  deliver,
  feed,
  giveTestSet,
  readRegistry,
  sampleLines,
  servingProcess,
  startLoop,
  type Cycle,
  type Loop,
} from "../support/loop.ts";

let loop: Loop;

beforeAll(async () => {
  loop = await startLoop({ JUDGE_TOKEN: "judge-token" });
  await giveTestSet(loop);
});

afterAll(() => loop.stop());

const few = sampleLines({ seed: 1, count: 60 });
const many = sampleLines({ seed: 2, count: 300 });
const wrong = sampleLines({ seed: 3, count: 600, wrongLabels: true });
/** An answer may take as long as it likes. */
const approval = { deadlineSeconds: 3600 };

async function documentOf<T>(key: string, parse: (json: unknown) => T): Promise<T> {
  const object = await loop.store.get(key);
  if (object === null) throw new Error(`there is no ${key}`);
  return parse(JSON.parse(object.body.toString("utf8")));
}
const recordOf = (id: string): Promise<DecisionRecord> =>
  documentOf(objectKeys.decision(id), (json) => decisionRecordSchema.parse(json));
const approvalOf = (id: string): Promise<ApprovalRecord> =>
  documentOf(objectKeys.approval(id), (json) => approvalRecordSchema.parse(json));

/** Two cycles of a pipeline; answers the second one's report. */
async function twoCycles(
  pipeline: ReturnType<typeof aPipeline>,
  first: readonly string[],
  second: readonly string[],
): Promise<CycleReport> {
  await (await feed(loop, pipeline, 1, [...first])).cycle.result();
  return (await feed(loop, pipeline, 2, [...second])).cycle.result();
}

interface Checked {
  ok: boolean;
  decisions: { id: string; differences: { at: string }[] }[];
}

async function verify(...reference: string[]): Promise<Checked & { code: number | null }> {
  const { code, stdout } = await loop.tuneloop("decision", "verify", ...reference, "--json");
  return { ...(JSON.parse(stdout) as Checked), code };
}

/** Changes an object, checks what `check` says, and puts it back. */
async function whileTampered(key: string, change: (text: string) => string, check: () => Promise<void>): Promise<void> {
  const object = await loop.store.get(key);
  const text = object?.body.toString("utf8") ?? "";
  expect(change(text)).not.toBe(text);
  await loop.store.put(key, change(text));
  try {
    await check();
  } finally {
    await loop.store.put(key, text);
  }
}

/** Waits until a cycle has decided and waits for an answer. */
async function untilAsked(cycle: Cycle): Promise<void> {
  await until(
    `the question of ${cycle.workflowId}`,
    async () => {
      const { searchAttributes } = await cycle.describe();
      return searchAttributes["TuneloopStage"]?.[0] === "approve";
    },
    120_000,
  );
}

describe("decisions", () => {
  beforeAll(async () => {
    const [won, lost, tied] = await Promise.all([
      twoCycles(aPipeline(loop, { name: "won" }), few, many),
      twoCycles(aPipeline(loop, { name: "lost" }), many, wrong),
      // Twenty questions tell little of two models that differ by a few records.
      twoCycles(aPipeline(loop, { name: "tied", evaluate: { sampleSize: 20 } }), many, few),
    ]);
    expect([won.outcome, lost.outcome, tied.outcome]).toEqual(["promoted", "kept", "inconclusive"]);
  }, 400_000);

  it("are made again from the stored answers and are equal, each of them", async () => {
    const { code, ok, decisions } = await verify("--all");
    expect(decisions.filter(({ differences }) => differences.length > 0)).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    expect(decisions.map(({ id }) => id)).toEqual(["lost-1", "lost-2", "tied-1", "tied-2", "won-1", "won-2"]);
  });

  it("name the program that decided, and both models' model.json", async () => {
    const { code, arms, policy } = await recordOf("won-2");
    expect(code.version).toMatch(/^\d+\.\d+\.\d+/);
    const manifests = arms.map(({ name, manifest }) => [name, manifest?.key]);
    expect(Object.fromEntries(manifests)).toEqual({
      champion: "models/won/won-1/model.json",
      challenger: "models/won/won-2/model.json",
    });
    expect(policy).toMatchObject({ primary: "accuracy_output_fn", guards: [] });
  });

  it("name a record that was changed", async () => {
    await whileTampered(
      objectKeys.decision("lost-2"),
      (text) => text.replace('"outcome": "keep"', '"outcome": "promote"'),
      async () => {
        const { code, decisions } = await verify("lost-2");
        const places = decisions[0]?.differences.map(({ at }) => at);
        expect(places).toEqual(expect.arrayContaining(["decisions/lost-2.json, by its report", "decision: outcome"]));
        expect(code).toBe(1);
      },
    );
  });

  it("name a prediction that was changed, and one that is missing", async () => {
    const { arms } = await recordOf("won-2");
    const key = arms[0]?.predictions[0]?.key ?? "";
    await whileTampered(
      key,
      (text) => text.replaceAll(/"answer":"[^"]*"/g, '"answer":"nothing"'),
      async () => {
        const { code, decisions } = await verify("won-2");
        const places = decisions[0]?.differences.map(({ at }) => at);
        expect(places).toEqual(expect.arrayContaining([key, "decision: reasons: 1"]));
        expect(code).toBe(1);
      },
    );
    await whileTampered(
      objectKeys.decision("won-2"),
      (text) => text.replaceAll(key, `${key}.gone`),
      async () => {
        const { code, decisions } = await verify("won-2");
        expect(decisions[0]?.differences.map(({ at }) => at)).toContain(`${key}.gone`);
        expect(code).toBe(1);
      },
    );
    expect(await verify("won-2")).toMatchObject({ ok: true });
  });

  it.each([
    ["won", /^won-2 beats won-1, and was to be rolled out\. Champion now: won-2\./],
    ["lost", /^lost-2 is not good enough: lost-1 stays champion\. Champion now: lost-1\./],
    ["tied", /^Whether tied-2 is good enough cannot be told/],
  ])("are explained in words: %s", async (name, words) => {
    const { code, stdout } = await loop.tuneloop("explain", name);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(words);
    expect(stdout).toContain(`tuneloop decision verify ${name}-2`);
  });
});

describe("an approval", () => {
  it("is given by the temporal CLI to a cycle that was started alone", async () => {
    const pipeline = aPipeline(loop, { name: "asked", decide: { floor: 0, guards: [], approval } });
    const { cycle } = await feed(loop, pipeline, 1, many);
    await untilAsked(cycle);
    expect((await readRegistry(loop, "asked")).champion).toBeNull();
    const input = JSON.stringify({ reason: "looks right", by: "ana" });
    const update = ["--workflow-id", cycle.workflowId, "--name", "approve", "--input", input];
    const given = await loop.temporal("workflow", "update", "execute", ...update);
    expect(given).toMatchObject({ code: 0, stdout: expect.stringContaining("approve-1") });

    expect(await cycle.result()).toMatchObject({ outcome: "promoted", approval: { answer: "approved", by: "ana" } });
    expect(await approvalOf("asked-1")).toMatchObject({ answer: "approved", by: "ana", outcome: "promote" });
    expect(await askService(loop, "asked")).toBe("asked-1");
    expect(await verify("asked-1")).toMatchObject({ ok: true });
  }, 300_000);

  it("is asked for by a pipeline, and refused by tuneloop reject, which keeps the champion", async () => {
    const name = "refused";
    const decide = { floor: 0, guards: [], approval };
    const pipeline = aPipeline(loop, { name, decide });
    const file = join(loop.stack.stateDirectory, `${name}.json`);
    writeFileSync(file, JSON.stringify({ ...pipeline, dataset: { ...pipeline.dataset, minNewRecords: 50 } }));
    await deliver(loop, `${name}/1.jsonl`, many);
    expect(await loop.tuneloop("start", "-f", file)).toMatchObject({ code: 0 });
    const handle = loop.client.workflow.getHandle(workflowIds.pipeline(name));
    const stateOf = (): Promise<PipelineView> => handle.query<PipelineView>("state");
    await handle.executeUpdate("runNow", { args: [{}] });
    await until(`the question of ${name}`, async () => (await stateOf()).approval !== null, 120_000);

    const shown = await loop.tuneloop("state", name);
    expect(shown.stdout).toContain(`approval  wanted for ${name}-1`);
    const other = await loop.tuneloop("reject", name, "--reason", "no", "--cycle", `${name}-9`);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("does not wait for an approval") });
    const given = await loop.tuneloop("reject", name, "--reason", "not on a Friday", "--by", "bob");
    expect(given).toMatchObject({ code: 0, stdout: expect.stringContaining("reject-") });

    await until(`the end of ${name}`, async () => (await stateOf()).lastOutcome !== null, 120_000);
    const state = await stateOf();
    expect(state).toMatchObject({
      approval: null,
      champion: null,
      lastDecision: { id: `${name}-1`, outcome: "promote" },
    });
    expect(state.lastOutcome).toBe(`${workflowIds.retrain(name, 1, 1)}: kept`);
    expect(await approvalOf(`${name}-1`)).toMatchObject({ answer: "rejected", by: "bob", reason: "not on a Friday" });
    const explained = await loop.tuneloop("explain", name);
    expect(explained.stdout).toContain("Rejected by bob: not on a Friday.");
    await handle.terminate();
  }, 300_000);

  it("is the policy's when nobody has answered by the deadline", async () => {
    const late = { deadlineSeconds: 1, onDeadline: "promote" as const };
    const pipeline = aPipeline(loop, { name: "late", decide: { floor: 0, guards: [], approval: late } });
    const report = await (await feed(loop, pipeline, 1, many)).cycle.result();
    expect(report).toMatchObject({ outcome: "promoted", approval: { answer: "deadline", by: null } });
    expect(await approvalOf("late-1")).toMatchObject({ answer: "deadline", outcome: "promote" });
    const refused = await loop.tuneloop("approve", "late", "--reason", "too late", "--cycle", "late-1");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("does not run") });
  }, 300_000);
});

describe("a judge", () => {
  /** What is as expected is good; of two answers the one that is. */
  const asExpected = ({ kind, token, texts }: JudgedCase): string => {
    const expected = texts["expected answer, which is right"] ?? "";
    const isRight = (title: string): boolean => texts[title] === expected;
    if (kind === "pointwise") return JSON.stringify({ reason: "r", score: isRight("answer") ? 5 : 2, token });
    const [first, second] = [isRight("first answer"), isRight("second answer")];
    return JSON.stringify({ reason: "r", better: first === second ? "tie" : first ? "first" : "second", token });
  };

  it("decides two cycles by what it replies over HTTP, and its replies are checked like answers", async () => {
    const judge = await serveJudge(asExpected);
    try {
      const name = "judged";
      const sampleSize = 120;
      const endpoint = { url: judge.url, model: "judge-1", tokenSecret: "JUDGE_TOKEN" };
      const pipeline = aPipeline(loop, {
        name,
        evaluate: { sampleSize, metrics: ["functional-representation", { pack: "llm-judge", options: { endpoint } }] },
        decide: { primary: "judge_score", floor: 0, guards: [{ metric: "judge_preference", margin: 0.05 }] },
      });
      const first = await (await feed(loop, pipeline, 1, few)).cycle.result();
      expect(first.outcome).toBe("promoted");
      // Each answer once: there is nobody to compare the first one with.
      expect(judge.cases.map(({ kind }) => kind)).toEqual(Array(sampleSize).fill("pointwise"));
      judge.cases.length = 0;

      const report = await (await feed(loop, pipeline, 2, many)).cycle.result();
      expect(report).toMatchObject({ outcome: "promoted", champion: { version: "judged-1" }, failure: null });
      expect(report.decision?.reasons[0]).toMatch(/^judge_score: challenger .* the challenger is better\.$/);
      const { judgements, comparisons, judgeFailure } = await recordOf("judged-2");
      expect(judgeFailure).toBeNull();
      const preference = comparisons.find(({ metric, subset }) => metric === "judge_preference" && subset === "test");
      expect(preference).toMatchObject({ kind: "preference", total: sampleSize, agreed: sampleSize });
      // The champion's own scores are those of the cycle in which it won.
      const pairwise = judgements.find(({ against }) => against !== null);
      const asked = (of: JudgedCase["kind"]): number => judge.cases.filter(({ kind }) => kind === of).length;
      expect(asked("pointwise")).toBe(sampleSize);
      expect(asked("pairwise")).toBe(pairwise?.asked);
      expect(judgements.map(({ failed }) => failed)).toEqual([0, 0, 0]);
      expect(new Set(judge.requests.map(({ headers }) => headers["authorization"]))).toEqual(
        new Set(["Bearer judge-token"]),
      );
      expect(await verify("judged-2")).toMatchObject({ code: 0, ok: true });

      const key = pairwise?.replies[0]?.key ?? "";
      await whileTampered(
        key,
        (text) => text.slice(text.indexOf("\n") + 1),
        async () => {
          const ports = { store: loop.store, metrics: createMetricCatalog([]) };
          const places = (await verifyDecision(ports, "judged-2")).differences.map(({ at }) => at);
          expect(places).toContain(key);
          expect(places.some((at) => /^judgements: \d: asked$/.test(at))).toBe(true);
        },
      );
      const written = await loop.store.get(objectKeys.reportMarkdown("judged-2"));
      expect(written?.body.toString("utf8")).toContain("| Judge's score (decides) | all | 120 |");
    } finally {
      await judge.stop();
    }
  }, 120_000);
});

describe("a challenger whose service refuses to answer while it is asked", () => {
  it("decides nothing: the cycle is inconclusive, says why, and the champion has kept its traffic", async () => {
    const name = "broken";
    const pipeline = aPipeline(loop, { name, evaluate: { concurrency: 16 } });
    await (await feed(loop, pipeline, 1, few)).cycle.result();
    const { cycle } = await feed(loop, pipeline, 2, many);
    const held = await servingProcess(loop, name, "broken-2");
    held.hold();
    // A refusal ends it at once; failures of the server are tried again for minutes, and end in the same way.
    const effect = { kind: "service-degrade", status: 403 };
    await loop.emulator.fault({ match: { name: serviceName(name), version: "broken-2" }, times: 1e6, effect });
    held.release();
    const report = await cycle.result();
    expect(report).toMatchObject({ outcome: "inconclusive", decision: { outcome: "inconclusive" }, failure: null });
    expect(report.decision?.reasons.join(" ")).toMatch(/broken-2|challenger/);
    expect(await askService(loop, name)).toBe("broken-1");
    expect(await readRegistry(loop, name)).toMatchObject({ champion: "broken-1", challenger: null, lock: null });
    expect(await verify("broken-2")).toMatchObject({ code: 0, ok: true });
  });
});
