/** What would end a line or turn its direction round; C0 and C1 controls, separators and bidirectional marks. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text from anywhere as a code span, in which no markup, link or image can begin; backticks show as apostrophes. */
export function codeSpan(text: string): string {
  return `\`${text.replace(unprintable, " ").replaceAll("`", "'")}\``;
}
