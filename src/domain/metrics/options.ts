/** Options of a metric pack, read one by one: the same sentences for what is wrong in any of them. */
import { TypedFailure } from "../failures.ts";
import { nearNames } from "../near-names.ts";
import type { Json } from "./metric.ts";

/** The options of one pack; each method throws InvalidInput that names the option when it is something else. */
export interface OptionReader {
  flag(name: string, otherwise: boolean): boolean;
  /** Not blank. */
  text(name: string, otherwise: string | null): string | null;
  /** Each not blank; not empty where it is given. */
  texts(name: string, otherwise: string[]): string[];
  wholeNumber(name: string, otherwise: number, range: { least: number; most: number }): number;
  choice<T extends string>(name: string, otherwise: T, choices: readonly T[]): T;
  /** An object of texts, of these names only; null where it is not given. */
  texted(name: string, fields: readonly string[]): Record<string, string> | null;
}

/** Throws InvalidInput for an option that is not among the `known` ones. */
export function readOptions(pack: string, options: Record<string, Json>, known: readonly string[]): OptionReader {
  refuseUnknown(pack, options, known);
  const wrong = (name: string, must: string): TypedFailure =>
    new TypedFailure("InvalidInput", `metric pack ${pack}: options: ${name}: must be ${must}`);
  const given = <T>(name: string, otherwise: T, read: (value: Json) => T): T => {
    const value = Object.hasOwn(options, name) ? options[name] : undefined;
    return value === undefined ? otherwise : read(value);
  };
  const notBlank = (name: string, value: unknown): string => {
    if (typeof value !== "string" || value.trim() === "") throw wrong(name, "a text that is not blank");
    return value;
  };
  return {
    flag: (name, otherwise) =>
      given(name, otherwise, (value) => {
        if (typeof value !== "boolean") throw wrong(name, "true or false");
        return value;
      }),
    text: (name, otherwise) => given<string | null>(name, otherwise, (value) => notBlank(name, value)),
    texts: (name, otherwise) =>
      given(name, otherwise, (value) => {
        if (!Array.isArray(value) || value.length === 0) throw wrong(name, "a list of texts, at least one");
        return value.map((entry, index) => notBlank(`${name}.${index}`, entry));
      }),
    wholeNumber: (name, otherwise, { least, most }) =>
      given(name, otherwise, (value) => {
        if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
        throw wrong(name, `a whole number from ${least} to ${most}`);
      }),
    choice: (name, otherwise, choices) =>
      given(name, otherwise, (value) => {
        const found = choices.find((choice) => choice === value);
        if (found === undefined) throw wrong(name, `one of ${choices.join(", ")}`);
        return found;
      }),
    texted: (name, fields) =>
      given<Record<string, string> | null>(name, null, (value) => {
        if (typeof value !== "object" || value === null || Array.isArray(value))
          throw wrong(name, `an object of ${fields.join(", ")}`);
        refuseUnknown(pack, value, fields, `${name}.`);
        return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, notBlank(`${name}.${key}`, text)]));
      }),
  };
}

function refuseUnknown(pack: string, given: object, known: readonly string[], within = ""): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearNames(unknown, known);
  const offer = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `it knows ${known.join(", ") || "none"}`;
  throw new TypedFailure("InvalidInput", `metric pack ${pack}: options: there is no ${within}${unknown}: ${offer}`);
}
