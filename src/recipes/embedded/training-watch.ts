import type { TaskChoice } from "./task.ts";

/** What a training tells while it goes on. */
export interface TrainingWatch<Saved> {
  /** What is learnt and why; before anything is trained. */
  onTask?(choice: TaskChoice): void;
  /** After each step; `loss` is the mean log loss per record, null where nothing is fitted. */
  onStep?(step: number, total: number, loss: number | null): void;
  /** The model as it is after a step, where checkpoints are asked for; never the last step. */
  onCheckpoint?(step: number, saved: Saved): void;
}

/**
 * Steps after which a checkpoint is kept: `count` of them, evenly spread before the last step, which gives the model
 * itself. Fewer where there are not so many steps.
 */
export function checkpointSteps(total: number, count: number): Set<number> {
  const steps = Array.from({ length: count }, (_, number) => Math.round((total * (number + 1)) / (count + 1)));
  return new Set(steps.filter((step) => step >= 1 && step < total));
}
