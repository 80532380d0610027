import { chosenOf, FINAL_CHECKPOINT, pickCheckpoint } from "../src/domain/checkpoint.ts";
import { fewestRecords } from "../src/domain/judgement.ts";
import {
  checkpointChoiceSchema,
  modelManifestSchema,
  type CheckpointChoice,
  type ChosenCheckpoint,
} from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument, readDocument, writeOnce } from "./documents.ts";
import type { CheckpointActivities } from "./comparison-interfaces.ts";
import { splitQuestions, storeQuestions } from "./test-set.ts";

/** Which checkpoint answers for a model version; null where there was nothing to choose. Throws InvalidData. */
export async function readChosen(
  store: ObjectStore,
  { pipeline, model }: { pipeline: string; model: string },
): Promise<ChosenCheckpoint | null> {
  const choice = await readDocument(store, objectKeys.checkpointChoice(pipeline, model), checkpointChoiceSchema);
  if (choice === null) return null;
  const manifest = await readDocument(store, objectKeys.modelManifest(pipeline, model), modelManifestSchema);
  return chosenOf(choice.value, manifest?.value.checkpoints ?? []);
}

export function createCheckpointActivities({
  store,
  metrics: catalog,
}: Pick<Ports, "store" | "metrics">): CheckpointActivities {
  return {
    async validationSet({ pipeline, version }) {
      const questions = await splitQuestions(store, { dataset: pipeline, version, split: "valid" });
      return questions.length < fewestRecords ? null : storeQuestions(store, pipeline, questions);
    },

    async chooseCheckpoint({ pipeline, model, metric, metrics, prices, candidates }) {
      const context = { vocabulary: { functions: [], attributeTypes: [] }, prices };
      const packs = await catalog.open(metrics, context);
      const better = packs.flatMap((pack) => pack.metrics).find(({ name }) => name === metric)?.better;
      // What is neither better nor worse chooses nothing.
      const picked = better === "higher" || better === "lower" ? pickCheckpoint(candidates, better) : FINAL_CHECKPOINT;
      const choice: CheckpointChoice = { format: 1, checkpoint: picked, metric, candidates };
      const key = objectKeys.checkpointChoice(pipeline, model);
      return (await writeOnce(store, key, choice)) ? choice : needDocument(store, key, checkpointChoiceSchema);
    },
  };
}
