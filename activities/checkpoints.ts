import { FINAL_CHECKPOINT, pickCheckpoint } from "../src/domain/checkpoint.ts";
import { fewestRecords } from "../src/domain/judgement.ts";
import { checkpointChoiceSchema, type CheckpointChoice } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument, writeOnce } from "./documents.ts";
import type { CheckpointActivities } from "./comparison-interfaces.ts";
import { splitQuestions, storeQuestions } from "./test-set.ts";

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
