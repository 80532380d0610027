/** The metric pack of how long answers are. Only reported: longer is neither better nor worse. */
import type { MetricPackKind } from "./metric.ts";
import { readOptions } from "./options.ts";

/** Length in characters (Unicode code points), and in tokens where the endpoint says how many they were. */
export const answerLength: MetricPackKind = {
  name: "length",
  description: "length of the answers in characters and tokens; reported, never decided by",
  options: {},
  create(options) {
    readOptions("length", options, []);
    return {
      name: "length",
      metrics: [
        {
          name: "answer_characters",
          title: "Characters of an answer",
          unit: "characters",
          better: "neither",
          kind: "mean",
          unanswered: null,
        },
        {
          name: "answer_tokens",
          title: "Tokens of an answer",
          unit: "tokens",
          better: "neither",
          kind: "mean",
          unanswered: null,
        },
      ],
      score: (_, { answer, completionTokens }) => ({
        answer_characters: codePoints(answer),
        answer_tokens: completionTokens,
      }),
    };
  },
};

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
