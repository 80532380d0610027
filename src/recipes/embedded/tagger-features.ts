import type { Match } from "./gazetteer.ts";
import { shapeOf } from "./tokeniser.ts";
import type { Token } from "./tokeniser.ts";

/**
 * What the tagger sees of each token: the word, its look and ends, the words up to three and the looks up to two places
 * away, pairs of neighbours, years, and the known values it is part of.
 */
export function taggerFeatures(tokens: readonly Token[], matches: readonly (readonly Match[])[]): string[][] {
  const words = tokens.map((token) => token.lower);
  const shapes = tokens.map((token) => shapeOf(token.text));
  const word = (at: number): string => words[at] ?? (at < 0 ? "<s>" : "</s>");
  const shape = (at: number): string => shapes[at] ?? (at < 0 ? "<s>" : "</s>");
  return words.map((lower, at) => {
    const features = [
      "bias",
      `w=${lower}`,
      `s=${shape(at)}`,
      `p3=${lower.slice(0, 3)}`,
      `x3=${lower.slice(-3)}`,
      `w-1,w=${word(at - 1)} ${lower}`,
      `w,w+1=${lower} ${word(at + 1)}`,
      `w-2,w-1=${word(at - 2)} ${word(at - 1)}`,
      `w+1,w+2=${word(at + 1)} ${word(at + 2)}`,
      `w-1,s=${word(at - 1)} ${shape(at)}`,
      `s-1,s,s+1=${shape(at - 1)} ${shape(at)} ${shape(at + 1)}`,
    ];
    for (let distance = 1; distance <= 3; distance++) {
      features.push(`w-${distance}=${word(at - distance)}`, `w+${distance}=${word(at + distance)}`);
      if (distance < 3) features.push(`s-${distance}=${shape(at - distance)}`, `s+${distance}=${shape(at + distance)}`);
    }
    if (/^(1[89]|20)\d\d$/.test(lower)) features.push("year");
    for (const { attribute, place } of matches[at] ?? [])
      features.push(`known=${attribute}`, `known=${attribute} ${place}`);
    return features;
  });
}
