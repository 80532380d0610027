import { parseFrame } from "./frame.ts";
import type { EmbeddedHyperparameters } from "./hyperparameters.ts";
import type { SavedModel } from "./model.ts";
import type { FrameExample } from "./schema.ts";
import { UnsuitableDataError } from "./unsuitable-data-error.ts";
import { learnTemplate, stripTemplate } from "./template.ts";
import { trainFrames } from "./trainer.ts";
import type { OnEpoch } from "./trainer.ts";

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
  /** Records it was trained on. */
  trainedRecords: number;
  /** Records left out, because their output is no frame. */
  skippedRecords: number;
}

/** Share of the outputs that must be frames. */
const FRAME_SHARE = 0.95;
/** With fewer nothing can be told from chance: not the kinds of attributes, nor a template. */
const FEWEST_RECORDS = 10;

/** The last answer of a conversation and the user's turn before it; null when it has none. Other turns are not read. */
export function pairOf(messages: readonly Turn[]): TextPair | null {
  const answer = messages.findLastIndex((message) => message.role === "assistant");
  const question = messages.slice(0, Math.max(0, answer)).findLast((message) => message.role === "user");
  const output = messages[answer]?.content;
  return output === undefined || question === undefined ? null : { input: question.content, output };
}

/**
 * Trains a model on question-answer pairs. Throws `UnsuitableDataError` when there are fewer than 10, or when less than
 * 95 % of the outputs are frames, or when an attribute has too many values that are not words of the text.
 */
export function learnModel(
  pairs: readonly TextPair[],
  hyperparameters: EmbeddedHyperparameters,
  onEpoch: OnEpoch,
): LearntModel {
  if (pairs.length < FEWEST_RECORDS) {
    throw new UnsuitableDataError(
      `${pairs.length} training records with a user and an assistant turn: the embedded recipe needs at least ${FEWEST_RECORDS}`,
    );
  }
  const template = learnTemplate(pairs.map(({ input }) => input));
  const examples = pairs.flatMap(({ input, output }): FrameExample[] => {
    const frame = parseFrame(output);
    return frame === null ? [] : [{ text: stripTemplate(input, template), frame }];
  });
  if (examples.length < pairs.length * FRAME_SHARE) {
    const percent = ((100 * examples.length) / pairs.length).toFixed(1);
    throw new UnsuitableDataError(
      `${percent} % of the ${pairs.length} training outputs read as function calls, the embedded recipe needs 95 %: ` +
        "it expects assistant messages such as book_table(restaurant[Oleander], people[4]), function(attribute[value], ...) and nothing else",
    );
  }
  return {
    saved: trainFrames(template, examples, hyperparameters, onEpoch),
    trainedRecords: examples.length,
    skippedRecords: pairs.length - examples.length,
  };
}
