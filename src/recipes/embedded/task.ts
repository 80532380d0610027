/** What a model of this recipe can learn to do; one of them is chosen by looking at the training outputs. */
export const TASKS = ["frames", "labels", "retrieval"] as const;

/**
 * `frames`: function calls with attributes are made from the text. `labels`: one of the known texts is chosen.
 * `retrieval`: the answer of the training record whose question is most like the one asked; nothing is fitted.
 */
export type Task = (typeof TASKS)[number];

/** A task and why it was chosen, as the end of a sentence for people. */
export interface TaskChoice {
  task: Task;
  reason: string;
}

/** Share of the outputs that must be of a shape; the others are left out. */
const SHAPE_SHARE = 0.95;
/** Labels are no longer than this. */
const LONGEST_LABEL = 100;
/** Each label has weights for each feature: more of them would fill the memory, and most would be seen too rarely. */
const MOST_LABELS = 500;

/** What training outputs look like. */
export interface OutputShapes {
  /** All of them. */
  outputs: number;
  /** Those that read as function calls. */
  frames: number;
  /** Those that are one short line. */
  short: number;
  /** Different texts among the short ones. */
  distinct: number;
}

/** Whether an output can be a label: one line of at most 100 characters. */
export function isShort(output: string): boolean {
  return output.length <= LONGEST_LABEL && !/[\r\n]/.test(output);
}

/**
 * Chooses what to learn, in this order: frames where at least 95 % of the outputs are function calls; labels where at
 * least 95 % are short and each text occurs twice on average, among at most 500 different ones; else retrieval. Frames
 * come first, because few records have few different ones, which could pass as labels.
 */
export function chooseTask({ outputs, frames, short, distinct }: OutputShapes): TaskChoice {
  const percent = (count: number): string => `${((100 * count) / outputs).toFixed(1)} %`;
  if (frames >= outputs * SHAPE_SHARE) {
    return {
      task: "frames",
      reason: `${percent(frames)} of the ${outputs} training outputs read as function calls, function(attribute[value], ...)`,
    };
  }
  const seen =
    `${percent(frames)} of the ${outputs} training outputs read as function calls, ` +
    `${percent(short)} are one short line, with ${distinct} different texts among them`;
  const isRepeated = distinct <= short / 2 && distinct <= MOST_LABELS;
  if (short >= outputs * SHAPE_SHARE && isRepeated) {
    return { task: "labels", reason: `${seen}: short and repeated, so one of them is chosen` };
  }
  return {
    task: "retrieval",
    reason: `${seen}: free text, which is looked up in the training records as it stands; no new text is written`,
  };
}
