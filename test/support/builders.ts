/** Inputs of workflows, whole and valid; a test names what matters to it. */
import type { z } from "zod";
import type { Alert } from "../../src/domain/alert-schema.ts";
import { pipelineSchema, type PipelineDefinition } from "../../src/domain/pipeline-schema.ts";
import {
  evaluateModelInputSchema,
  fineTuneInputSchema,
  rollOutInputSchema,
  updateDatasetInputSchema,
  type EvaluateModelInput,
  type FineTuneInput,
  type RollOutInput,
  type UpdateDatasetInput,
} from "../../src/domain/workflow-input-schema.ts";
import type { Prediction, TestRecord, TestSet } from "../../src/domain/evaluation-schema.ts";
import type { SourceDefinition } from "../../src/domain/source-schema.ts";

/** A recipe that the fake catalog knows. */
export const aRecipe = { name: "embedded" } as const;

/** A rollout in three steps that never waits. */
export const aQuickRollout = { steps: [10, 50, 100], soakSeconds: 0, bakeSeconds: 0, probeSeconds: 0.1 };

/** A source of chat-format objects. */
export function aSource(id: string): SourceDefinition {
  return { id, kind: "s3-jsonl", uri: `s3://feedback/${id}/` };
}

/** An alert of a cycle that was promoted. */
export function anAlert(overrides: Partial<Alert> = {}): Alert {
  return {
    format: 1,
    kind: "promoted",
    severity: "info",
    pipeline: "games",
    cycle: "games-12",
    workflowId: "retrain/games/12",
    runId: "0199-a",
    at: "2026-01-31T12:00:00.000Z",
    title: "games-12 is the new champion; it replaces games-11.",
    text: ["accuracy is better by 5.0 %."],
    facts: [{ name: "accuracy", value: "0.850 → 0.900" }],
    next: [{ what: "See why", command: "tuneloop explain games-12" }],
    links: [{ name: "report", uri: "s3://bucket/reports/games-12/index.html" }],
    ...overrides,
  };
}

/** A frozen test set of 20 questions. */
export function aTestSet(): TestSet {
  return { key: "testsets/games/0f.jsonl", sha256: "0f".repeat(32), records: 20 };
}

/** A question of a test set. */
export function aTestRecord(id: string, overrides: Partial<TestRecord> = {}): TestRecord {
  return {
    id,
    set: "test",
    question: [{ role: "user", content: `question ${id}` }],
    expected: `answer to ${id}`,
    source: "discord",
    author: null,
    group: id,
    labels: {},
    ...overrides,
  };
}

/** An answer, right unless told otherwise. */
export function aPrediction(id: string, overrides: Partial<Prediction> = {}): Prediction {
  const tokens = { promptTokens: 12, completionTokens: 3 };
  return {
    id,
    expected: `answer to ${id}`,
    answer: `answer to ${id}`,
    error: null,
    latencyMs: 1,
    ...tokens,
    ...overrides,
  };
}

/** A pipeline with one source, a threshold of 100 records and a rollout that never waits. */
export function aPipelineDefinition(
  overrides: { name: string } & Partial<z.input<typeof pipelineSchema>>,
): PipelineDefinition {
  return pipelineSchema.parse({
    sources: [aSource("slack")],
    dataset: { minNewRecords: 100 },
    recipe: aRecipe,
    rollout: aQuickRollout,
    ...overrides,
  });
}

/** An update of a dataset from one source. */
export function anUpdateDatasetInput(overrides: { dataset: string } & Partial<UpdateDatasetInput>): UpdateDatasetInput {
  return updateDatasetInputSchema.parse({ sources: [aSource("slack")], ...overrides });
}

/** A training of `<pipeline>-1`. */
export function aFineTuneInput(overrides: { pipeline: string } & Partial<FineTuneInput>): FineTuneInput {
  return fineTuneInputSchema.parse({
    model: `${overrides.pipeline}-1`,
    datasetVersion: 1,
    recipe: aRecipe,
    ...overrides,
  });
}

/** An evaluation of `<pipeline>-1`. */
export function anEvaluateModelInput(
  overrides: { pipeline: string } & Partial<EvaluateModelInput>,
): EvaluateModelInput {
  return evaluateModelInputSchema.parse({
    model: `${overrides.pipeline}-1`,
    testSet: aTestSet(),
    vocabulary: "vocabularies/1.json",
    ...overrides,
  });
}

/** A rollout of `<pipeline>-2`. */
export function aRollOutInput(
  overrides: { pipeline: string; target: RollOutInput["target"] } & Partial<RollOutInput>,
): RollOutInput {
  return rollOutInputSchema.parse({
    model: `${overrides.pipeline}-2`,
    reason: "it answers better",
    recipe: aRecipe,
    policy: aQuickRollout,
    testSet: aTestSet(),
    ...overrides,
  });
}
