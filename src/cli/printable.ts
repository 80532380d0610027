/** Text from elsewhere, safe and short enough for a terminal. */

/** Control characters, and those that turn the direction of what follows: a terminal would obey them. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu;
/** Drawn over two columns by terminals. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;
/** Drawn over the character before. */
const joining = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Columns of text that has no control characters. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += joining.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

/** Text on one line: line ends and tabs as spaces, other control characters as `\u{1b}`. */
export function printable(text: string): string {
  return text
    .replaceAll(/[\r\n\t]+/g, " ")
    .replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Text in at most so many columns, with `…` where it was cut. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += columnsOf(character);
    if (used > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Bytes for people: `812 B`, `81.2 kB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 999.95 && unit < units.length - 1; unit++) size /= 1000;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** A number for people: `12,345`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** A time for people, in UTC: `2026-11-01 12:00`. */
export function timeText(iso: string): string {
  return new Date(iso).toISOString().slice(0, 16).replace("T", " ");
}

/** Text in lines of at most so many columns, broken at spaces where that is possible. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || columnsOf(longer) <= columns) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
