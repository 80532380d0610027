import type { Comparison } from "./comparison-schema.ts";
import type { CheckpointChoice, ChosenCheckpoint, ModelManifest } from "./model-version-schema.ts";
import { countText, valueText } from "./report-numbers.ts";

/** By this name the model that training ended with stands among its checkpoints. */
export const FINAL_CHECKPOINT = "final";

/** A model of one version, and how it did on the validation split. */
export interface Candidate {
  /** A checkpoint, or `final`. */
  checkpoint: string;
  /** Null where it has none, or could not be asked. */
  value: number | null;
}

/**
 * The candidate of the best value; of equals the one that was trained longest, for which they come in the order of training.
 * `final` where none has a value.
 */
export function pickCheckpoint(candidates: readonly Candidate[], better: "higher" | "lower"): string {
  let best: { checkpoint: string; value: number } | null = null;
  for (const { checkpoint, value } of candidates) {
    if (value === null || !Number.isFinite(value)) continue;
    if (best === null || (better === "higher" ? value >= best.value : value <= best.value))
      best = { checkpoint, value };
  }
  return best?.checkpoint ?? FINAL_CHECKPOINT;
}

/** What is told of a choice; the step is known of those checkpoints that the model version lists. */
export function chosenOf(
  { checkpoint, metric, candidates }: CheckpointChoice,
  checkpoints: ModelManifest["checkpoints"],
): ChosenCheckpoint {
  return {
    name: checkpoint,
    step: checkpoints.find(({ name }) => name === checkpoint)?.step ?? null,
    metric,
    value: candidates.find((candidate) => candidate.checkpoint === checkpoint)?.value ?? null,
    candidates: candidates.length,
  };
}

/** A choice as a sentence: `Checkpoint step-8 (step 8 of the training) answers for games-12: 91.2 % by accuracy ...`. */
export function describeChosen(
  model: string,
  { name, step, metric, value, candidates }: ChosenCheckpoint,
  unit: Comparison["unit"],
): string {
  const which = name === FINAL_CHECKPOINT ? "The final model" : `Checkpoint ${name}`;
  const when = step === null ? "" : ` (step ${countText(step)} of the training)`;
  const by =
    value === null
      ? `none of ${countText(candidates)} models has a value of ${metric} on the validation split`
      : `${valueText(value, unit)} by ${metric} on the validation split, the best of ${countText(candidates)} models`;
  return `${which}${when} answers for ${model}: ${by}.`;
}
