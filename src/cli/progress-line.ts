/** One line at the terminal that says how far a command has come. */
export interface ProgressLine {
  /** Puts the text in place of the last one; at most ten times a second. */
  show(text: string): void;
  /** Takes the line away. */
  clear(): void;
}

/** Milliseconds between two texts. */
const pauseMs = 100;

/** The line at the end of this output; none where it is no terminal. */
export function progressLine(output: NodeJS.WriteStream): ProgressLine {
  let shownAt = 0;
  return {
    show(text) {
      if (!output.isTTY || Date.now() - shownAt < pauseMs) return;
      shownAt = Date.now();
      output.write(`\r\u001b[2K${text}`);
    },
    clear() {
      if (shownAt > 0) output.write("\r\u001b[2K");
    },
  };
}
