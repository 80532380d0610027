/** A cycle that has been decided, with everything in the bucket that its decision and its report rest on. */
import { createHash } from "node:crypto";
import { weigh } from "../../activities/decision-basis.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { emptyReport } from "../../src/domain/cycle.ts";
import { decisionPolicySchema } from "../../src/domain/decide-schema.ts";
import type { DecidedArm, DecisionRecord, HashedObject } from "../../src/domain/decision-record-schema.ts";
import { countAnswers } from "../../src/domain/evaluation.ts";
import type { TestRecord, TestSet } from "../../src/domain/evaluation-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import { aPrediction } from "./answers.ts";
import type { MemoryObjectStore } from "./memory-store.ts";

/** What the models of the cycle answered, by record; null for no answer. */
export interface DecidedAnswers {
  records: readonly TestRecord[];
  answers: Partial<Record<DecidedArm["name"], (record: TestRecord, index: number) => string | null>>;
  cycle?: number;
  /** Default: classification, with a guard on its macro F1. */
  pack?: { pack: string; primary: string };
}

/** Records whose right answer is a label. */
export function labelled(count: number): TestRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    id: createHash("sha256").update(String(index)).digest("hex"),
    set: index % 10 === 9 ? "retention" : "test",
    question: [
      { role: "system", content: "Name the mood." },
      { role: "user", content: `Message ${index}` },
    ],
    expected: index % 2 === 0 ? "happy" : "sad",
    source: index % 3 === 0 ? "discord" : "twitch",
    author: null,
    group: String(index),
    labels: {},
  }));
}

/** Stores test set, predictions, manifests and the decision of a cycle of `games`; answers what the workflow would know. */
export async function storeCycle(store: MemoryObjectStore, of: DecidedAnswers): Promise<CycleReport> {
  const { records, answers, cycle: number = 3, pack } = of;
  const cycle = `games-${number}`;
  const testSet = await storeTestSet(store, records);
  const arms: DecidedArm[] = [];
  for (const name of ["base", "champion", "challenger"] as const) {
    const answer = answers[name];
    if (answer === undefined) continue;
    const predictions = records.map((record, index) =>
      aPrediction({ id: record.id, expected: record.expected, answer: answer(record, index) }),
    );
    const evaluation = createHash("sha256").update(`${cycle} ${name}`).digest("hex").slice(0, 32);
    const shards = [predictions.slice(0, 250), predictions.slice(250)].filter((shard) => shard.length > 0);
    const objects: HashedObject[] = [];
    for (const [index, shard] of shards.entries()) {
      const text = shard.map((prediction) => `${JSON.stringify(prediction)}\n`).join("");
      objects.push(await storeText(store, objectKeys.predictions(evaluation, index), text));
    }
    const model = name === "base" ? "llama" : name === "challenger" ? cycle : `games-${number - 1}`;
    const counted = { answers: countAnswers(predictions), failure: null, manifest: null, checkpoint: null };
    arms.push({ name, model, evaluation, predictions: objects, ...counted });
  }
  const basis = {
    testSet,
    arms,
    judgements: [],
    judgeFailure: null,
    vocabulary: await storeText(store, "vocabulary.json", JSON.stringify({ functions: [], attributeTypes: [] })),
    packs: [{ pack: pack?.pack ?? "classification", options: {} }],
    slices: ["source"],
    prices: null,
    policy: decisionPolicySchema.parse(
      pack === undefined
        ? { primary: "accuracy", guards: [{ metric: "macro_f1", margin: 0.05 }] }
        : { primary: pack.primary, guards: [] },
    ),
  };
  const weighed = await weigh({ store, metrics: createMetricCatalog([]) }, basis);
  const facts = { format: 1 as const, cycle, pipeline: "games", decidedAt: "2026-01-03T12:00:00.000Z" };
  const record: DecisionRecord = { ...facts, code: { version: "0.1.0", commit: null }, ...basis, ...weighed };
  const decided = await storeText(store, objectKeys.decision(cycle), JSON.stringify(record));
  await storeManifests(store, number);
  return { ...knownOf(cycle, number), testSet, decision: { ...weighed.decision, ...decided } };
}

async function storeTestSet(store: MemoryObjectStore, records: readonly TestRecord[]): Promise<TestSet> {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const sha256 = createHash("sha256").update(text).digest("hex");
  await storeText(store, objectKeys.testSet("games", sha256), text);
  return { key: objectKeys.testSet("games", sha256), sha256, records: records.length };
}

/** The dataset version with an object of quarantine, and the model that was trained on it. */
async function storeManifests(store: MemoryObjectStore, number: number): Promise<void> {
  const refused = [{ at: "discord.jsonl#3", reason: "not JSON", text: "{" }];
  await storeText(store, "quarantine", refused.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const chunk = { raw: "raw", ids: { base64: "" }, quarantine: "quarantine", parts: [] };
  const split = { valid: 0, test: 0 };
  const batch = { format: 1, dataset: "games", source: "discord", split, cursor: null, received: 130, quarantined: 1 };
  await storeText(store, "batch.json", JSON.stringify({ ...batch, chunks: [chunk] }));
  const version = {
    format: 1,
    dataset: "games",
    version: number,
    parent: null,
    createdAt: "2026-01-03T11:00:00Z",
    contentHash: "b".repeat(64),
    records: { train: number * 1000, valid: 60, test: 120 },
    split,
    perSource: { discord: { received: 130, accepted: 124, quarantined: 1, duplicates: 5 } },
    failedSources: { zendesk: "Refused: no" },
    parts: [],
    ids: [],
    batches: ["batch.json"],
    cursors: {},
  };
  await storeText(store, objectKeys.version("games", number), JSON.stringify(version));
  const model = {
    format: 1,
    model: "games",
    version: `games-${number}`,
    recipe: "embedded",
    baseModel: null,
    dataset: `games@${number}`,
    task: "labels",
    files: [],
    trainedRecords: number * 1000,
    trainSeconds: 2,
    loss: Array.from({ length: 1200 }, (_, step) => 1 / (step + 1)),
  };
  await storeText(store, objectKeys.modelManifest("games", `games-${number}`), JSON.stringify(model));
}

function knownOf(cycle: string, number: number): CycleReport {
  return {
    ...emptyReport({
      cycle,
      pipeline: "games",
      workflowId: `retrain/games/${number}`,
      startedAt: "2026-01-03T12:00:00.000Z",
      datasetVersion: `games@${number}`,
      recordsPerSource: { discord: 124 },
      champion: `games-${number - 1}`,
    }),
    outcome: "promoted",
    endedAt: "2026-01-03T12:04:00.000Z",
    job: { id: "prodjob_1", url: "http://127.0.0.1:9000/jobs/1", trainSeconds: 2, trainedRecords: number * 1000 },
    challenger: { version: cycle, metrics: {} },
    phases: { train: 60, evaluate: 30 },
  };
}

async function storeText(store: MemoryObjectStore, key: string, text: string): Promise<HashedObject> {
  await store.put(key, text);
  return { key, sha256: createHash("sha256").update(text).digest("hex") };
}
