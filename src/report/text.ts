/** Text from outside, made safe to read: what would act unseen becomes a mark that is seen. */

/** Controls but tab and line end, and marks that turn the direction of what follows or cannot be seen; joiners are part of words. */
const unseen =
  /(?![\t\n])\p{Cc}|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/** The text with every unseen character as its code point, `⟨U+202E⟩`; line ends are `\n`. It still has to be escaped for HTML. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** The same on one line, in at most `most` characters. */
export function oneLine(text: string, most = 300): string {
  const line = visible(text.slice(0, most * 2))
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}

/** A web address that is one word and cannot end its link early; anything else is shown as text. */
export function isPlainUrl(url: string): boolean {
  return /^https?:\/\/[^\s()<>[\]`"'\\]+$/.test(url) && url === visible(url);
}
