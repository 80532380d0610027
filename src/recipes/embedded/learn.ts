import { parseFrame } from "./frame.ts";
import { trainFrames } from "./frame-trainer.ts";
import type { EmbeddedHyperparameters } from "./hyperparameters.ts";
import { trainLabels } from "./label-trainer.ts";
import type { LabelExample } from "./label-trainer.ts";
import type { SavedModel } from "./model.ts";
import { indexAnswers } from "./retrieval-index.ts";
import type { FrameExample } from "./schema.ts";
import { chooseTask, isShort } from "./task.ts";
import type { OutputShapes, TaskChoice } from "./task.ts";
import { learnTemplate, stripTemplate } from "./template.ts";
import type { TrainingWatch } from "./training-watch.ts";
import { UnsuitableDataError } from "./unsuitable-data-error.ts";

/** One chat turn; what else a message may hold is not read. */
export interface Turn {
  role: string;
  content: string;
}

/** A question and the answer to learn. */
export interface TextPair {
  input: string;
  output: string;
}

/** A trained model and what it was made from. */
export interface LearntModel {
  saved: SavedModel;
  choice: TaskChoice;
  /** Records it was trained on. */
  trainedRecords: number;
  /** Records left out, because their output is not of the task's shape. */
  skippedRecords: number;
}

/** With fewer nothing can be told from chance: not the task, the kinds of attributes, nor a template. */
const FEWEST_RECORDS = 10;

/** The last answer of a conversation and the user's turn before it; null when it has none. Other turns are not read. */
export function pairOf(messages: readonly Turn[]): TextPair | null {
  const answer = messages.findLastIndex((message) => message.role === "assistant");
  const question = messages.slice(0, Math.max(0, answer)).findLast((message) => message.role === "user");
  const output = messages[answer]?.content;
  return output === undefined || question === undefined ? null : { input: question.content, output };
}

/**
 * Chooses what to learn from the outputs, and trains a model on question-answer pairs. Retrieval has one step and no
 * checkpoints, whatever was asked for. Throws `UnsuitableDataError` when there are fewer than 10 pairs, or when an
 * attribute of function calls has too many values that are not words of the text.
 */
export function learnModel(
  pairs: readonly TextPair[],
  hyperparameters: EmbeddedHyperparameters,
  watch: TrainingWatch<SavedModel>,
): LearntModel {
  if (pairs.length < FEWEST_RECORDS) {
    throw new UnsuitableDataError(
      `${pairs.length} training records with a user and an assistant turn: the embedded recipe needs at least ${FEWEST_RECORDS}`,
    );
  }
  const template = learnTemplate(pairs.map(({ input }) => input));
  const texts = pairs.map(({ input, output }) => ({ text: stripTemplate(input, template), output: output.trim() }));
  const choice = chooseTask(shapesOf(texts.map(({ output }) => output)));
  watch.onTask?.(choice);
  const learnt = (saved: SavedModel, trainedRecords: number): LearntModel => ({
    saved,
    choice,
    trainedRecords,
    skippedRecords: pairs.length - trainedRecords,
  });
  switch (choice.task) {
    case "frames": {
      const examples = texts.flatMap(({ text, output }): FrameExample[] => {
        const frame = parseFrame(output);
        return frame === null ? [] : [{ text, frame }];
      });
      return learnt(trainFrames(template, examples, hyperparameters, watch), examples.length);
    }
    case "labels": {
      const examples = texts.flatMap(({ text, output }): LabelExample[] =>
        isShort(output) ? [{ text, label: output }] : [],
      );
      return learnt(trainLabels(template, examples, hyperparameters, watch), examples.length);
    }
    case "retrieval": {
      const known = texts.map(({ text, output }) => ({ question: text, answer: output }));
      const saved = indexAnswers(template, known, hyperparameters.minSimilarity);
      watch.onStep?.(1, 1, null);
      return learnt(saved, known.length);
    }
  }
}

function shapesOf(outputs: readonly string[]): OutputShapes {
  const short = outputs.filter(isShort);
  return {
    outputs: outputs.length,
    frames: outputs.filter((output) => parseFrame(output) !== null).length,
    short: short.length,
    distinct: new Set(short).size,
  };
}
