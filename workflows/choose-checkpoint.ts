/** Where a recipe keeps checkpoints: which of them is the challenger. */
import { isCancellation, log, proxyActivities, setCurrentDetails } from "@temporalio/workflow";
import type { CheckpointActivities, CheckpointsToChoose } from "../activities/comparison-interfaces.ts";
import { FINAL_CHECKPOINT } from "../src/domain/checkpoint.ts";
import { computing } from "./activity-options.ts";
import type { Comparison } from "./compare-models.ts";
import { child, type Story } from "./cycle-steps.ts";
import { isUnaskable, type Questions } from "./evaluate-arms.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { reasonOf } from "./steps.ts";

const { validationSet, chooseCheckpoint: choose } = proxyActivities<CheckpointActivities>(computing);

type Candidate = CheckpointsToChoose["candidates"][number];

/**
 * Asks every checkpoint and the final model the validation split, one after the other, and picks one by the primary metric.
 * From then on it answers for the model version, to the questions of the test set first. With too few questions to
 * choose by nothing is chosen, and the final model answers.
 */
export async function chooseCheckpoint(
  story: Story,
  { questions, choices }: Comparison,
  checkpoints: readonly string[],
): Promise<void> {
  const { pipeline, model, datasetVersion } = story;
  const testSet = await validationSet({ pipeline: pipeline.name, version: datasetVersion });
  if (testSet === null) {
    log.warn("the validation split is too small to choose a checkpoint by", { model });
    return;
  }
  const { metrics, policy } = choices;
  const candidates: Candidate[] = [];
  for (const checkpoint of [...checkpoints, FINAL_CHECKPOINT]) {
    candidates.push(await measure(story, { ...questions, testSet }, checkpoint, policy.primary));
  }
  const { prices } = questions.evaluate;
  const all = { pipeline: pipeline.name, model, metric: policy.primary, metrics, prices, candidates };
  const { checkpoint, metric } = await choose(all);
  setCurrentDetails(`**${checkpoint}** answers for **${model}**, by ${metric} on the validation split.`);
}

/** One that cannot be asked has no value, which is no reason to end the cycle: the others may do. */
async function measure(story: Story, questions: Questions, checkpoint: string, metric: string): Promise<Candidate> {
  const { pipeline, model } = story;
  const request = { ...questions, pipeline: pipeline.name, model, checkpoint, endpoint: null, examples: null };
  try {
    const { key, metrics } = await child(`evaluate-${checkpoint}`, evaluateModel, request);
    return { checkpoint, value: metrics[metric] ?? null, evaluation: key };
  } catch (error) {
    if (isCancellation(error) || !isUnaskable(error)) throw error;
    log.warn("a checkpoint could not be asked", { model, checkpoint, reason: reasonOf(error) });
    return { checkpoint, value: null, evaluation: null };
  }
}
