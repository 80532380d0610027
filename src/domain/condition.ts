import type { Condition, FieldCondition } from "./mapping-schema.ts";
import { isThere, parsePath, valueAt, type Path, type Scope } from "./template.ts";

/** Null when it holds, else what does not, in words. */
export type Test = (scope: Scope) => string | null;

/** Takes a checked condition apart once, for many items. The result is pure and never throws. */
export function compileTest(condition: Condition): Test {
  if ("all" in condition) {
    const tests = condition.all.map(compileTest);
    return (scope) => first(tests, (test) => test(scope));
  }
  if ("any" in condition) {
    const tests = condition.any.map(compileTest);
    return (scope) => {
      const failed = tests.map((test) => test(scope));
      return failed.includes(null) ? null : failed.join(", nor ");
    };
  }
  if ("not" in condition) {
    const test = compileTest(condition.not);
    const words = `not (${describe(condition.not)})`;
    return (scope) => (test(scope) === null ? words : null);
  }
  return compileFieldTest(condition);
}

function compileFieldTest(condition: FieldCondition): Test {
  const path = pathOf(condition.path);
  const words = describe(condition);
  const tests = fieldTests(condition);
  return (scope) => {
    const value = valueAt(path, scope);
    return tests.every((test) => test(value, scope)) ? null : words;
  };
}

function fieldTests(condition: FieldCondition): ((value: unknown, scope: Scope) => boolean)[] {
  const { equals, in: choices, contains, exists, atLeast, atMost, some } = condition;
  const other = condition.sameAs === undefined ? undefined : pathOf(condition.sameAs);
  const someTest = some === undefined ? undefined : compileTest(some);
  return [
    equals === undefined ? null : (value: unknown) => isSame(value, equals),
    choices === undefined ? null : (value: unknown) => choices.some((choice) => isSame(value, choice)),
    contains === undefined ? null : (value: unknown) => holds(value, contains),
    exists === undefined ? null : (value: unknown) => isThere(value) === exists,
    atLeast === undefined ? null : (value: unknown) => numberOf(value) >= atLeast,
    atMost === undefined ? null : (value: unknown) => numberOf(value) <= atMost,
    other === undefined
      ? null
      : (value: unknown, scope: Scope) => isThere(value) && isSame(value, valueAt(other, scope)),
    someTest === undefined
      ? null
      : (value: unknown, { item }: Scope) =>
          Array.isArray(value) && value.some((element: unknown) => someTest({ item, element }) === null),
  ].filter((test) => test !== null);
}

/** Equal, also where one is a number and the other its text, as in CSV; null is also what is missing. */
function isSame(value: unknown, other: unknown): boolean {
  if (value === other) return true;
  if (value === undefined || value === null || other === undefined || other === null)
    return (value ?? null) === (other ?? null);
  return isPlain(value) && isPlain(other) && String(value) === String(other);
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function holds(value: unknown, wanted: string | number): boolean {
  if (Array.isArray(value)) return value.some((element) => isSame(element, wanted));
  return typeof value === "string" && value.includes(String(wanted));
}

/** NaN, which is neither at least nor at most anything, for what is no number. */
function numberOf(value: unknown): number {
  if (typeof value === "string" && value.trim() !== "") return Number(value);
  return typeof value === "number" ? value : Number.NaN;
}

/** A condition in words, for people who wonder why an item was left out. */
function describe(condition: Condition): string {
  if ("all" in condition) return condition.all.map(describe).join(" and ");
  if ("any" in condition) return condition.any.map(describe).join(" or ");
  if ("not" in condition) return `not (${describe(condition.not)})`;
  const { path, some, ...tests } = condition;
  const parts = Object.entries(tests).map(([test, value]) => `${path} ${test} ${JSON.stringify(value)}`);
  return [...parts, ...(some === undefined ? [] : [`${path} some (${describe(some)})`])].join(" and ");
}

function first<T>(list: readonly T[], of: (element: T) => string | null): string | null {
  for (const element of list) {
    const found = of(element);
    if (found !== null) return found;
  }
  return null;
}

/** A path that the schema has checked; what is no path nevertheless leads nowhere. */
export function pathOf(text: string): Path {
  const path = parsePath(text);
  return "problem" in path ? { text, fromItem: false, steps: [text] } : path;
}
