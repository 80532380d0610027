/** The metric pack for answers of which the wording counts and the spelling does not. */
import type { MetricPackKind } from "./metric.ts";
import { readOptions, type OptionReader } from "./options.ts";

/** What of a text does not count. */
export interface Normalisation {
  case: boolean;
  punctuation: boolean;
}

/** Punctuation, and what must not be dropped of it: marks between two digits, and the sign of a number. */
const punctuation = /((?<=\p{N})\p{P}(?=\p{N})|(?<=^|\s)-(?=\p{N}))|\p{P}/gu;

/**
 * A text in the form in which texts are compared, in this order: Unicode's compatibility form NFKC (full-width letters,
 * ligatures and composed accents become the common ones), lower case, without punctuation (Unicode's category P, so that
 * `$` stays) but for marks within numbers (`3.5`, `1,000`, `12:30`) and their sign, runs of whitespace as one space, none
 * at the ends. Case and punctuation stay where `Normalisation` says false.
 */
export function normalised(text: string, ignored: Normalisation = { case: true, punctuation: true }): string {
  let form = text.normalize("NFKC");
  if (ignored.case) form = form.toLowerCase();
  if (ignored.punctuation) form = form.replaceAll(punctuation, "$1");
  return form.replaceAll(/\s+/gu, " ").trim();
}

/** The options that say what does not count. */
export const normalisationOptions = {
  case: "true (default) takes capital and small letters for the same",
  punctuation: "true (default) leaves punctuation out, other than within numbers",
};

/** Reads the options of {@link normalisationOptions}. */
export function readNormalisation(options: OptionReader): Normalisation {
  return { case: options.flag("case", true), punctuation: options.flag("punctuation", true) };
}

/** The answer is the expected one but for case, punctuation, whitespace and Unicode's ways to write the same. */
export const normalisedMatch: MetricPackKind = {
  name: "normalised-match",
  description: "the answer is the expected one but for case, punctuation, whitespace and Unicode form",
  options: normalisationOptions,
  create(options) {
    const ignored = readNormalisation(readOptions("normalised-match", options, Object.keys(normalisationOptions)));
    return {
      name: "normalised-match",
      policy: { primary: "normalised_match", guards: [] },
      metrics: [
        {
          name: "normalised_match",
          title: "Normalised match",
          unit: "ratio",
          better: "higher",
          kind: "binary",
          unanswered: false,
        },
      ],
      score: ({ expected }, { answer }) => ({
        normalised_match: normalised(answer, ignored) === normalised(expected, ignored),
      }),
    };
  },
};
