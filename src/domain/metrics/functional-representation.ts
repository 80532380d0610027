/**
 * The metric pack for answers of the shape `function(attribute[value], ...)`: five metrics of the function and the
 * attribute types; values are not compared. Right or wrong per record, so that two models can be compared in pairs. With
 * `failed_api_responses`, which there is whatever packs are chosen, they are six.
 */
import type { Metric, MetricPack, MetricPackKind, Vocabulary } from "./metric.ts";
import { most } from "./most.ts";
import { readOptions } from "./options.ts";

/** What an answer says, without its values. */
export interface FunctionalRepresentation {
  fn: string;
  /** In the order written, repeats included. */
  attributeTypes: string[];
}

/**
 * Reads what follows the last `Output: `, trimmed, as `^(.+?)\((.+)\)$`: group 1, with `\_` read as `_`, is the function, and
 * every word before a `[` in group 2 is an attribute type. Null when the answer has another shape. Takes time in
 * proportion to the answer's length whatever that is, which these expressions as they stand do not.
 */
export function parseAnswer(text: string): FunctionalRepresentation | null {
  const answer = (text.split("Output: ").at(-1) ?? "").trim();
  const open = answer.indexOf("(", 1);
  if (open === -1 || !answer.endsWith(")") || open + 2 >= answer.length || /[\n\r\u2028\u2029]/.test(answer))
    return null;
  return {
    fn: answer.slice(0, open).replaceAll("\\_", "_"),
    attributeTypes: Array.from(answer.slice(open + 1, -1).matchAll(/(?<!\w)(\w+)\[/g), (match) => match[1] ?? ""),
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

const metrics: readonly Metric[] = [
  accuracy("accuracy_format_fn_type", "Known function"),
  accuracy("accuracy_format_attr_types", "Known attribute types"),
  accuracy("accuracy_output_fn", "Right function"),
  accuracy("accuracy_attr_types", "Right attribute types, as a set"),
  accuracy("accuracy_attr_types_order", "Right attribute types, in order"),
];

function accuracy(name: string, title: string): Metric {
  return { name, title, unit: "ratio", better: "higher", kind: "binary", unanswered: false };
}

/** Answers of the shape `function(attribute[value], ...)`. */
export const functionalRepresentation: MetricPackKind = {
  name: "functional-representation",
  description: "answers such as inform(name[Portal], genre[puzzle]): the function and the attribute types",
  options: {},
  create(options, { vocabulary }): MetricPack {
    readOptions("functional-representation", options, []);
    const functions = new Set(vocabulary.functions);
    const attributeTypes = new Set(vocabulary.attributeTypes);
    return {
      name: "functional-representation",
      policy: { primary: "accuracy_output_fn", guards: [{ metric: "accuracy_attr_types", margin: 0.02 }] },
      metrics,
      score({ expected }, { answer }) {
        const given = parseAnswer(answer);
        const wanted = parseAnswer(expected);
        const types = given?.attributeTypes ?? [];
        const comparable = given !== null && wanted !== null;
        return {
          accuracy_format_fn_type: given !== null && functions.has(given.fn),
          accuracy_format_attr_types: types.length > 0 && types.every((type) => attributeTypes.has(type)),
          accuracy_output_fn: comparable && given.fn === wanted.fn,
          accuracy_attr_types: comparable && sameSet(types, wanted.attributeTypes),
          accuracy_attr_types_order: comparable && sameList(types, wanted.attributeTypes),
        };
      },
    };
  },
  fits: (expected) => most(expected, (answer) => parseAnswer(answer) !== null),
};

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)];
  return a.size === b.size && [...a].every((type) => b.has(type));
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((type, index) => type === other[index]);
}
