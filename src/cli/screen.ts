/** What commands show to people while they work: drawn at a terminal, plain lines everywhere else. */
import { intro, log, note, outro } from "@clack/prompts";

/** Shows progress. */
export interface Screen {
  /** The first line. */
  open(title: string): void;
  /** Something was done or has happened. */
  line(text: string): void;
  /** Something went wrong and the command goes on. */
  warn(text: string): void;
  /** Lines that belong together, under a title. */
  box(title: string, lines: string[]): void;
  /** The last line. */
  close(text: string): void;
}

/** Fewest columns to draw in. A terminal without a size, as some containers have, says 0 and would get a column of letters. */
const MIN_COLUMNS = 20;

/**
 * The screen for this output: drawn when it is a terminal of 20 columns or more, else one plain line for each call and
 * each line of a box.
 */
export function screenFor(output: NodeJS.WriteStream): Screen {
  if (output.isTTY && output.columns >= MIN_COLUMNS) {
    return {
      open: (title) => intro(title, { output }),
      line: (text) => log.step(text, { spacing: 0, output }),
      warn: (text) => log.warn(text, { spacing: 0, output }),
      box: (title, lines) => note(lines.join("\n"), title, { output }),
      close: (text) => outro(text, { output }),
    };
  }
  const print = (text: string): void => {
    output.write(`${text}\n`);
  };
  return {
    open: print,
    line: print,
    warn: print,
    box: (title, lines) => print([title, ...lines.map((line) => `  ${line}`)].join("\n")),
    close: print,
  };
}
