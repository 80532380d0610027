/** The metric pack whose values a judge gives: a language model behind any OpenAI-compatible endpoint. */
import { TypedFailure } from "../failures.ts";
import type { Metric, MetricPackKind } from "./metric.ts";
import { readOptions } from "./options.ts";

/** The metric of answers that are scored alone: 1 to 5 as 0, 0.25, 0.5, 0.75, 1. */
export const judgeScore: Metric = {
  name: "judge_score",
  title: "Judge's score",
  unit: "ratio",
  better: "higher",
  kind: "mean",
  unanswered: 0,
};

/** The metric of answers that are compared, asked in both orders. */
export const judgePreference: Metric = {
  name: "judge_preference",
  title: "Judge's preference",
  unit: "ratio",
  better: "higher",
  kind: "preference",
  unanswered: null,
};

const usualRubric =
  "A good answer is correct, answers what was asked and nothing else, is complete, and is as short as that allows.";

/** A judge. Its metrics have values only where the judgements of an evaluation are there. */
export const llmJudge: MetricPackKind = {
  name: "llm-judge",
  description: "a language model as judge: a score of each answer, and which of two it prefers in both orders",
  options: {
    endpoint:
      "{ url, model, tokenSecret }: any OpenAI-compatible endpoint, tokenSecret naming a variable of the worker",
    mode: "pointwise (a score from 1 to 5), pairwise (champion against challenger) or both (default)",
    rubric: "what makes an answer good, in words",
    reference: "true (default) shows the judge the expected answer",
    concurrency: "requests in flight at a time; default 8",
    timeoutSeconds: "of one request; default 60",
  },
  example: { endpoint: { url: "http://127.0.0.1:8000", model: "judge" } },
  create(options) {
    const reader = readOptions("llm-judge", options, Object.keys(llmJudge.options));
    const mode = reader.choice("mode", "both", ["pointwise", "pairwise", "both"]);
    const [pointwise, pairwise] = [mode !== "pairwise", mode !== "pointwise"];
    return {
      name: "llm-judge",
      metrics: [...(pointwise ? [judgeScore] : []), ...(pairwise ? [judgePreference] : [])],
      policy: { primary: pairwise ? judgePreference.name : judgeScore.name, guards: [] },
      judge: {
        endpoint: endpointOf(reader.texted("endpoint", ["url", "model", "tokenSecret"])),
        pointwise,
        pairwise,
        rubric: (reader.text("rubric", usualRubric) ?? usualRubric).trim(),
        reference: reader.flag("reference", true),
        concurrency: reader.wholeNumber("concurrency", 8, { least: 1, most: 256 }),
        timeoutSeconds: reader.wholeNumber("timeoutSeconds", 60, { least: 1, most: 3600 }),
      },
      // The judge's values come beside.
      score: () => ({}),
    };
  },
};

function endpointOf(given: Record<string, string> | null): { url: string; model: string; tokenSecret: string | null } {
  const { url, model, tokenSecret = null } = given ?? {};
  if (url === undefined || model === undefined || !/^https?:\/\//.test(url)) {
    const message =
      "metric pack llm-judge: options: endpoint: must be { url, model }, such as { url: https://api.example.com, model: judge }";
    throw new TypedFailure("InvalidInput", message);
  }
  return { url, model, tokenSecret };
}
