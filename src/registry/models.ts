/** The model versions that lie in a bucket, as the registry, their trainings and their decisions know them. Reads only. */
import { readDocument } from "../../activities/documents.ts";
import { readDecision } from "../decision/records.ts";
import { contrastOf } from "../domain/contrast.ts";
import { armOf } from "../domain/decision-record.ts";
import { cycleOfModel } from "../domain/ids.ts";
import { modelManifestSchema, trainingClaimSchema } from "../domain/model-version-schema.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { emptyRegistry } from "../domain/registry.ts";
import { registrySchema, type Registry } from "../domain/registry-schema.ts";
import { valueText } from "../domain/report-numbers.ts";
import type { ObjectStore } from "../ports.ts";

/** A model version and what is known of it. */
export interface ModelEntry {
  version: string;
  /** What it is now. */
  alias: "champion" | "challenger" | null;
  /** What it was trained on and by, and what it learnt to do; null for one whose training left no model. */
  lineage: { dataset: string; recipe: string; task: string; trainedRecords: number; baseModel: string | null } | null;
  /** Name of its training job; null where there is no record of one. */
  job: string | null;
  costUsd: number | null;
  /** What was decided of it and on what number; null where nothing was. */
  decision: { outcome: string; metric: string; value: string | null } | null;
}

/** The versions of a pipeline's model, the newest first, and every move of its aliases, the newest first. */
export async function listModels(
  store: ObjectStore,
  pipeline: string,
): Promise<{ models: ModelEntry[]; history: Registry["history"] }> {
  const found = await readDocument(store, objectKeys.registry(pipeline), registrySchema);
  const registry = found?.value ?? emptyRegistry(pipeline);
  const models: ModelEntry[] = [];
  for (const version of await versionsOf(store, pipeline)) models.push(await readModel(store, registry, version));
  return { models, history: registry.history.toReversed() };
}

/** By the numbers of their cycles, as `games-12` comes after `games-9` and `games-1.10` after `games-1.9`. */
async function versionsOf(store: ObjectStore, pipeline: string): Promise<string[]> {
  const prefix = objectKeys.models(pipeline);
  const versions = new Set<string>();
  for await (const { key } of store.list(prefix)) {
    const version = key.slice(prefix.length).split("/")[0];
    if (version !== undefined) versions.add(version);
  }
  return [...versions]
    .map((name) => ({ name, ...(cycleOfModel(pipeline, name) ?? { version: 0, repeat: 0 }) }))
    .toSorted((a, b) => b.version - a.version || b.repeat - a.repeat)
    .map(({ name }) => name);
}

async function readModel(store: ObjectStore, registry: Registry, version: string): Promise<ModelEntry> {
  const { name, champion, challenger } = registry;
  const [manifest, claim] = await Promise.all([
    readDocument(store, objectKeys.modelManifest(name, version), modelManifestSchema),
    readDocument(store, objectKeys.trainingClaim(name, version), trainingClaimSchema),
  ]);
  const { dataset = "", recipe = "", task = "", trainedRecords = 0, baseModel = null } = manifest?.value ?? {};
  return {
    version,
    alias: version === champion ? "champion" : version === challenger ? "challenger" : null,
    lineage: manifest === null ? null : { dataset, recipe, task, trainedRecords, baseModel },
    job: claim?.value.jobName ?? null,
    costUsd: claim?.value.costUsd ?? null,
    decision: await readVerdict(store, version),
  };
}

async function readVerdict(store: ObjectStore, version: string): Promise<ModelEntry["decision"]> {
  const record = (await readDecision(store, version))?.record;
  if (record === undefined || armOf(record.arms, "challenger") === null) return null;
  const { decision, policy, comparisons } = record;
  const primary = comparisons.find(({ metric, subset }) => metric === policy.primary && subset === "test");
  const measured = primary === undefined ? null : contrastOf(primary, policy.alpha)?.challenger;
  return {
    outcome: decision.outcome,
    metric: policy.primary,
    value: primary === undefined || !measured ? null : valueText(measured.value, primary.unit),
  };
}
