/** Where two JSON documents differ, in words that people find the place by. */
import { isObject } from "../domain/objects.ts";

/** One place that is not as it was recorded. */
export interface Difference {
  /** An object's key, or a place in the record such as `comparisons: accuracy_output_fn on test: gained`. */
  at: string;
  recorded: string;
  found: string;
}

/**
 * All places in which what was found is not what was recorded. Items of lists are named by their `metric` and `subset`, or
 * their `name`, where they have one, else by their place from 1; of several with one name the later ones also by that.
 */
export function differences(at: string, recorded: unknown, found: unknown): Difference[] {
  if (Array.isArray(recorded) && Array.isArray(found)) return ofNamed(at, named(recorded), named(found));
  if (isObject(recorded) && isObject(found)) {
    return ofNamed(at, new Map(Object.entries(recorded)), new Map(Object.entries(found)));
  }
  const [was, is] = [text(recorded), text(found)];
  return was === is ? [] : [{ at, recorded: was, found: is }];
}

function ofNamed(at: string, recorded: Map<string, unknown>, found: Map<string, unknown>): Difference[] {
  const names = new Set([...recorded.keys(), ...found.keys()]);
  return [...names].flatMap((name) => differences(`${at}: ${name}`, recorded.get(name), found.get(name)));
}

function named(items: readonly unknown[]): Map<string, unknown> {
  const byName = new Map<string, unknown>();
  for (const [index, item] of items.entries()) {
    const [name, place] = [nameOf(item), String(index + 1)];
    byName.set(name === null ? place : byName.has(name) ? `${name}, again at ${place}` : name, item);
  }
  return byName;
}

function nameOf(item: unknown): string | null {
  if (!isObject(item)) return null;
  const { metric, subset, name } = item;
  if (typeof metric === "string" && typeof subset === "string") return `${metric} on ${subset}`;
  return typeof name === "string" ? name : null;
}

/** As JSON has it; `-0` and `0` are one number there. */
function text(value: unknown): string {
  if (value === undefined) return "missing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
