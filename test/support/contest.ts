/** Champion against challenger without servers: trained by the embedded recipe, compared and decided as in a cycle. */
import { generateSample, type SampleOptions } from "../../src/dev/sample-data.ts";
import { compareAll } from "../../src/domain/comparison.ts";
import { decide } from "../../src/domain/decision.ts";
import type { Decision } from "../../src/domain/decision-schema.ts";
import type { Prediction, TestRecord } from "../../src/domain/evaluation-schema.ts";
import { countAnswers, scoreAnswers, summarise } from "../../src/domain/evaluation.ts";
import { builtInPacks } from "../../src/domain/metrics/built-in-packs.ts";
import { makePacks, resolveChoices } from "../../src/domain/metrics/choices.ts";
import { learnVocabulary } from "../../src/domain/metrics/functional-representation.ts";
import { pipelineSchema } from "../../src/domain/pipeline-schema.ts";
import { parseEmbeddedHyperparameters } from "../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../src/recipes/embedded/learn.ts";
import type { TextPair } from "../../src/recipes/embedded/learn.ts";
import { loadModel, saveModel } from "../../src/recipes/embedded/model.ts";

/** Generated question-answer pairs. */
export function samplePairs(options: SampleOptions): TextPair[] {
  return generateSample(options).flatMap(({ messages }) => pairOf(messages) ?? []);
}

/** Pairs as the questions of a test set. */
export function questionsOf(pairs: readonly TextPair[]): TestRecord[] {
  return pairs.map(({ input, output }, number) => ({
    id: String(number).padStart(6, "0"),
    set: "test",
    question: [{ role: "user", content: input }],
    expected: output,
    source: null,
    author: null,
    group: String(number),
    labels: {},
  }));
}

/** What a model that was trained on the pairs answers; saved and loaded in between, as a job and a service would. */
export function answersOf(
  training: readonly TextPair[],
  questions: readonly TestRecord[],
  hyperparameters: object = {},
): Prediction[] {
  const { saved } = learnModel(training, parseEmbeddedHyperparameters(hyperparameters), {});
  const model = loadModel(saveModel(saved));
  return questions.map(({ id, expected, question }) => ({
    id,
    expected,
    answer: model.answer(question.at(-1)?.content ?? "").text,
    error: null,
    latencyMs: 1,
    promptTokens: null,
    completionTokens: null,
  }));
}

/** Decides by the policy and metrics that a definition which names none gets. */
export interface Contest {
  primary: string;
  /** Value of the primary metric over all questions. */
  valueOf(answers: readonly Prediction[]): number;
  decide(champion: readonly Prediction[] | null, challenger: readonly Prediction[]): Decision;
}

/** Everything is `auto`, as in the shortest definition; `training` is what the metrics know of the training data. */
export function aContest(training: readonly TextPair[], questions: readonly TestRecord[]): Contest {
  const definition = pipelineSchema.parse({
    name: "games",
    sources: [{ id: "file", kind: "s3-jsonl", uri: "s3://bucket/games/" }],
    recipe: { name: "embedded" },
  });
  const expected = questions.map((question) => question.expected);
  const { metrics, policy } = resolveChoices(definition, expected, builtInPacks);
  const vocabulary = learnVocabulary(training.map(({ output }) => output));
  const packs = makePacks(metrics, { vocabulary, prices: null }, builtInPacks);
  const score = (answers: readonly Prediction[]) => scoreAnswers(questions, answers, { packs });
  return {
    primary: policy.primary,
    valueOf: (answers) => summarise(score(answers), packs)["test"]?.[policy.primary] ?? Number.NaN,
    decide(champion, challenger) {
      const comparisons = compareAll({
        champion: champion === null ? null : score(champion),
        challenger: score(challenger),
        packs,
        alpha: policy.alpha,
      });
      const asked = { champion: champion && countAnswers(champion), challenger: countAnswers(challenger) };
      return decide(comparisons, asked, policy);
    },
  };
}
