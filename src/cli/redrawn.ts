/**
 * Shows something that changes: all its lines over each other at a terminal, elsewhere a line with the time for each change.
 *
 * @returns takes all lines, and the one that says what has changed
 */
export function redrawn(output: NodeJS.WriteStream): (lines: string[], change: string) => void {
  if (!output.isTTY) return (_, change) => void output.write(`${new Date().toISOString()} ${change}\n`);
  let drawn = 0;
  return (lines) => {
    // A line that wraps would be counted as one and stay.
    const cut = lines.map((line) => line.slice(0, Math.max(1, output.columns - 1)));
    const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`;
    output.write(`${back}${cut.join("\n")}\n`);
    drawn = cut.length;
  };
}
