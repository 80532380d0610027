/**
 * The metric pack for answers of the shape `function(attribute[value], ...)`: six metrics of the function and the
 * attribute types; values are not compared. Right or wrong per record, so that two models can be compared in pairs.
 */

/** Names of the metrics, in the order reports show them. */
export const FUNCTIONAL_REPRESENTATION_METRICS = [
  "failed_api_responses",
  "accuracy_format_fn_type",
  "accuracy_format_attr_types",
  "accuracy_output_fn",
  "accuracy_attr_types",
  "accuracy_attr_types_order",
] as const;

/** One of the six. `failed_api_responses` is the one where lower is better. */
export type FunctionalRepresentationMetric = (typeof FUNCTIONAL_REPRESENTATION_METRICS)[number];

/** What an answer says, without its values. */
export interface FunctionalRepresentation {
  fn: string;
  /** In the order written, repeats included. */
  attributeTypes: string[];
}

/** Functions and attribute types that occur in training data; an answer is well formed when it uses no others. */
export interface Vocabulary {
  functions: string[];
  attributeTypes: string[];
}

/** Per metric whether it holds of one record; null for an accuracy of a record that was not answered. */
export type AnswerScore = Record<FunctionalRepresentationMetric, boolean | null>;

/** Per metric its ratio, 0..1; null when no record counts for it. */
export type FunctionalRepresentationSummary = Record<FunctionalRepresentationMetric, number | null>;

/**
 * Reads what follows the last `Output: `, trimmed, as `function(...)`: `\_` in the function is read as `_`, and every
 * word before a `[` inside the parentheses is an attribute type. Null when the answer has another shape.
 */
export function parseAnswer(text: string): FunctionalRepresentation | null {
  const answer = (text.split("Output: ").at(-1) ?? "").trim();
  const call = /^(.+?)\((.+)\)$/.exec(answer);
  const fn = call?.[1];
  const body = call?.[2];
  if (fn === undefined || body === undefined) return null;
  return {
    fn: fn.replaceAll("\\_", "_"),
    attributeTypes: Array.from(body.matchAll(/(\w+)\[/g), (match) => match[1] ?? ""),
  };
}

/** Collects the vocabulary of the outputs of training records, sorted; outputs of another shape add nothing. */
export function learnVocabulary(outputs: Iterable<string>): Vocabulary {
  const functions = new Set<string>();
  const attributeTypes = new Set<string>();
  for (const output of outputs) {
    const parsed = parseAnswer(output);
    if (parsed === null) continue;
    functions.add(parsed.fn);
    for (const type of parsed.attributeTypes) attributeTypes.add(type);
  }
  return { functions: [...functions].sort(), attributeTypes: [...attributeTypes].sort() };
}

/** Scores one answer; `predicted` is null when the model did not answer. */
export function scoreAnswer(
  answer: { expected: string; predicted: string | null },
  vocabulary: Vocabulary,
): AnswerScore {
  if (answer.predicted === null) {
    return {
      failed_api_responses: true,
      accuracy_format_fn_type: null,
      accuracy_format_attr_types: null,
      accuracy_output_fn: null,
      accuracy_attr_types: null,
      accuracy_attr_types_order: null,
    };
  }
  const predicted = parseAnswer(answer.predicted);
  const expected = parseAnswer(answer.expected);
  const types = predicted?.attributeTypes ?? [];
  const comparable = predicted !== null && expected !== null;
  return {
    failed_api_responses: false,
    accuracy_format_fn_type: predicted !== null && vocabulary.functions.includes(predicted.fn),
    accuracy_format_attr_types: types.length > 0 && types.every((type) => vocabulary.attributeTypes.includes(type)),
    accuracy_output_fn: comparable && predicted.fn === expected.fn,
    accuracy_attr_types: comparable && sameSet(types, expected.attributeTypes),
    accuracy_attr_types_order: comparable && types.join(" ") === expected.attributeTypes.join(" "),
  };
}

/** Ratios over scored records: the accuracies over the answered ones, `failed_api_responses` over all. */
export function summarise(scores: readonly AnswerScore[]): FunctionalRepresentationSummary {
  const ratio = (metric: FunctionalRepresentationMetric): number | null => {
    const counted = scores.filter((score) => score[metric] !== null);
    return counted.length === 0 ? null : counted.filter((score) => score[metric] === true).length / counted.length;
  };
  return {
    failed_api_responses: ratio("failed_api_responses"),
    accuracy_format_fn_type: ratio("accuracy_format_fn_type"),
    accuracy_format_attr_types: ratio("accuracy_format_attr_types"),
    accuracy_output_fn: ratio("accuracy_output_fn"),
    accuracy_attr_types: ratio("accuracy_attr_types"),
    accuracy_attr_types_order: ratio("accuracy_attr_types_order"),
  };
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)];
  return a.size === b.size && [...a].every((type) => b.has(type));
}
