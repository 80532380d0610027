/** Questions of a test set and answers to them; a test names what matters to it. */
import { startScoring, summarise } from "../../src/domain/evaluation.ts";
import type { Prediction, TestRecord } from "../../src/domain/evaluation-schema.ts";
import type { Json, MetricContext, MetricPackKind, MetricValues } from "../../src/domain/metrics/metric.ts";

/** A record of the test split without labels. */
export function aTestRecord(overrides: Partial<TestRecord> & { id: string; expected: string }): TestRecord {
  const { id } = overrides;
  const question = [{ role: "user" as const, content: `question ${id}` }];
  return { set: "test", question, source: "slack", author: null, group: id, labels: {}, ...overrides };
}

/** An answer in 10 ms; null for none. */
export function aPrediction(
  overrides: Partial<Prediction> & Pick<Prediction, "id" | "expected" | "answer">,
): Prediction {
  const error = overrides.answer === null ? "timeout" : null;
  const failure = overrides.answer === null ? { failure: "unavailable" as const } : {};
  return { error, ...failure, latencyMs: 10, promptTokens: null, completionTokens: null, ...overrides };
}

/** Nothing known of the training data, no prices. */
export const noContext: MetricContext = { vocabulary: { functions: [], attributeTypes: [] }, prices: null };

/** Values of one answer by a pack. */
export function scoreOne(
  kind: MetricPackKind,
  { expected, answer, ...rest }: { expected: string; answer: string } & Partial<Prediction>,
  { options = {}, context = noContext }: { options?: Record<string, Json>; context?: MetricContext } = {},
): MetricValues {
  const prediction = { ...aPrediction({ id: "a", expected, answer, ...rest }), answer };
  return kind.create(options, context).score(aTestRecord({ id: "a", expected }), prediction);
}

/** Metrics of a pack over answers to the test set; null for a question without an answer. */
export function metricsOf(
  kind: MetricPackKind,
  pairs: readonly { expected: string; answer: string | null }[],
  { options = {}, context = noContext }: { options?: Record<string, Json>; context?: MetricContext } = {},
): Record<string, number | null> {
  const packs = [kind.create(options, context)];
  const scorer = startScoring({ packs });
  for (const [index, { expected, answer }] of pairs.entries()) {
    const id = `r${index}`;
    scorer.add(aTestRecord({ id, expected }), aPrediction({ id, expected, answer }));
  }
  return summarise(scorer.scored(), packs)["test"] ?? {};
}
