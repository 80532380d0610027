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
