/** The metric pack for answers of which there is one right wording. */
import type { MetricPackKind } from "./metric.ts";
import { readOptions } from "./options.ts";

/** The answer is the expected one, character by character, apart from whitespace before and after it. */
export const exactMatch: MetricPackKind = {
  name: "exact-match",
  description: "the answer is the expected one, character by character",
  options: {},
  create(options) {
    readOptions("exact-match", options, []);
    return {
      name: "exact-match",
      policy: { primary: "exact_match", guards: [] },
      metrics: [
        {
          name: "exact_match",
          title: "Exact match",
          unit: "ratio",
          better: "higher",
          kind: "binary",
          unanswered: false,
        },
      ],
      score: ({ expected }, { answer }) => ({ exact_match: answer.trim() === expected.trim() }),
    };
  },
};
