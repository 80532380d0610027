/** Parts of a test set that metrics are given for: all of it, the old skills, and slices by fields of the records. */
import type { TestRecord } from "./evaluation-schema.ts";

/** Fewest records of a slice whose metrics are given: of fewer they say little, and may tell of single people. */
export const fewestOfSlice = 20;

/** Most values of one field whose slices are given, those with the most records. */
export const mostValues = 50;

/** The subsets that a record is in: `retention` alone, or `test` and a slice `<field>=<value>` of each field that it has. */
export function subsetsOf(
  record: Omit<TestRecord, "id" | "question" | "expected">,
  slices: readonly string[],
): string[] {
  if (record.set === "retention") return ["retention"];
  const values = slices.flatMap((field) => {
    const value = fieldOf(record, field);
    return value === null ? [] : [`${field}=${value}`];
  });
  return ["test", ...values];
}

function fieldOf({ source, author, group, labels }: Parameters<typeof subsetsOf>[0], field: string): string | null {
  switch (field) {
    case "source":
      return source;
    case "author":
      return author;
    case "group":
      return group;
    default: {
      const name = field.slice("labels.".length);
      return Object.hasOwn(labels, name) ? String(labels[name]) : null;
    }
  }
}

/** Which slices are given, and of each field how many values are not. */
export interface GivenSubsets {
  subsets: string[];
  leftOut: Record<string, number>;
}

/**
 * The subsets that are given of those that there are: `test`, `retention`, of each field the 50 values with the most
 * records that have at least 20, and of those that `wanted` names also the rarer ones, as a decision that rests on one
 * must see how little there is.
 */
export function givenSubsets(
  counts: ReadonlyMap<string, number>,
  slices: readonly string[],
  wanted: readonly string[] = [],
): GivenSubsets {
  const subsets = ["test", "retention"].filter((subset) => counts.has(subset));
  const leftOut: Record<string, number> = {};
  for (const field of slices) {
    const values = [...counts].filter(([subset]) => subset.startsWith(`${field}=`));
    const ranked = values.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const isGiven = ([subset, records]: [string, number], rank: number): boolean =>
      wanted.includes(subset) || (rank < mostValues && records >= fewestOfSlice);
    const given = ranked.filter(isGiven);
    subsets.push(...given.map(([subset]) => subset));
    if (given.length < values.length) leftOut[field] = values.length - given.length;
  }
  return { subsets, leftOut };
}
