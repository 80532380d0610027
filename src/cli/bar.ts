/** Columns of a bar. */
const barWidth = 24;

/** A bar that is so full, from 0 to 1. */
export function bar(ratio: number): string {
  const full = Math.round(Math.min(1, Math.max(0, ratio)) * barWidth);
  return "█".repeat(full) + "░".repeat(barWidth - full);
}
