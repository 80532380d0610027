/**
 * The template of the inputs: the longest prefix, ending in white space, that at least 95 % of the training inputs share.
 * An instruction such as `Here is the target sentence:` is no part of the sentence, and the first words of a sentence
 * tell much about its function. Empty when the inputs share none.
 */
export function learnTemplate(inputs: readonly string[]): string {
  const needed = Math.ceil(inputs.length * SHARE);
  let sharing = inputs;
  let length = 0;
  for (;;) {
    const counts = new Map<string, number>();
    for (const input of sharing) {
      const sign = input.charAt(length);
      if (sign !== "") counts.set(sign, (counts.get(sign) ?? 0) + 1);
    }
    const [commonest, count] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), ["", 0]);
    if (count === 0 || count < needed) break;
    sharing = sharing.filter((input) => input.charAt(length) === commonest);
    length++;
  }
  const shared = sharing[0]?.slice(0, length) ?? "";
  return shared.slice(0, shared.search(/\s\S*$/) + 1);
}

const SHARE = 0.95;

/** The input without the template, where it has it. */
export function stripTemplate(input: string, template: string): string {
  return input.startsWith(template) ? input.slice(template.length) : input;
}
