/** The metric pack for answers in JSON. */
import type { Json, Metric, MetricPackKind, MetricValues } from "./metric.ts";
import { most } from "./most.ts";
import { readOptions } from "./options.ts";

/** Deeper values are never equal: a hostile answer nests as deep as it is long. */
const deepest = 100;

const metrics: readonly Metric[] = [
  { name: "json_valid", title: "Valid JSON", unit: "ratio", better: "higher", kind: "binary", unanswered: false },
  {
    name: "json_fields_present",
    title: "All fields present",
    unit: "ratio",
    better: "higher",
    kind: "binary",
    unanswered: false,
  },
  { name: "json_equal", title: "All fields equal", unit: "ratio", better: "higher", kind: "binary", unanswered: false },
  { name: "json_fields", title: "Fields equal", unit: "ratio", better: "higher", kind: "mean", unanswered: 0 },
];

/** Answers in JSON. A field is a path from the top, such as `customer.address.city` or `items.0.price`. */
export const jsonFields: MetricPackKind = {
  name: "json",
  description: "answers in JSON: validity, required fields, and whether they have the expected values",
  options: {
    fields: "paths of the fields that count, such as [intent, items.0.price]; default: all of the expected answer",
  },
  create(options) {
    const chosen = readOptions("json", options, ["fields"]).texts("fields", []);
    return {
      name: "json",
      policy: { primary: "json_equal", guards: [{ metric: "json_valid", margin: 0.02 }] },
      metrics,
      score({ expected }, { answer }) {
        const given = parsed(answer);
        const wanted = parsed(expected);
        return { json_valid: given !== undefined, ...(wanted === undefined ? {} : fieldScores(wanted, given, chosen)) };
      },
      // An expected answer that is no JSON says nothing of fields, whoever answers.
      unanswered: ({ expected }): MetricValues =>
        parsed(expected) === undefined
          ? { json_valid: false, json_fields_present: null, json_equal: null, json_fields: null }
          : { json_valid: false, json_fields_present: false, json_equal: false, json_fields: 0 },
    };
  },
  fits: (expected) => most(expected, (answer) => isObject(parsed(answer))),
};

/**
 * Fields that count are those chosen, or else those at the top of the expected answer; an expected answer that is no object
 * is one field as a whole. Values are equal as JSON: the order of an object's names does not matter, that of a list does.
 */
function fieldScores(wanted: Json, given: Json | undefined, chosen: readonly string[]): MetricValues {
  const paths = chosen.length > 0 ? chosen.map((path) => path.split(".")) : topOf(wanted);
  const found = paths.map((path) => at(given, path));
  const isRequired = paths.map((path) => at(wanted, path) !== undefined);
  const isEqual = paths.map((path, index) => given !== undefined && sameJson(at(wanted, path), found[index]));
  const equal = isEqual.filter(Boolean).length;
  // Without chosen fields a field that nobody asked for makes the answer another one.
  const isWhole = chosen.length > 0 || !isObject(wanted) || namesOf(given) === namesOf(wanted);
  return {
    json_fields_present:
      given !== undefined && found.every((value, index) => !isRequired[index] || value !== undefined),
    json_equal: equal === paths.length && isWhole && given !== undefined,
    json_fields: paths.length === 0 ? (given === undefined ? 0 : 1) : equal / paths.length,
  };
}

function topOf(value: Json): string[][] {
  return isObject(value) ? Object.keys(value).map((name) => [name]) : [[]];
}

function namesOf(value: Json | undefined): number {
  return isObject(value) ? Object.keys(value).length : -1;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here = value;
  for (const name of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, name)) return undefined;
    here = Array.isArray(here) ? here[Number(name)] : here[name];
  }
  return here;
}

function sameJson(one: Json | undefined, other: Json | undefined, depth = 0): boolean {
  if (one === other) return true;
  if (depth >= deepest || typeof one !== "object" || typeof other !== "object" || one === null || other === null)
    return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((value, index) => sameJson(value, other[index], depth + 1));
  }
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name], depth + 1));
}

/** Undefined for what is no JSON. */
function parsed(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
