import { columnsOf, cut } from "./printable.ts";

/** A column of a table: its head, and on which side its cells stand. */
export interface Column {
  head: string;
  align: "left" | "right";
}

/** Between columns. */
const gap = "  ";

/** Columns to draw in: those of the terminal; 80 where the output has none, or says 0 as in some containers. */
export function widthOf(output: { columns?: number }): number {
  return output.columns || 80;
}

/**
 * A table as lines that end in a line feed, indented by two spaces. Where it does not fit into `width`, each row becomes
 * a line with its first cell and, below, a line for each other cell with its head; a cell too long for that is cut.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, index) => Math.max(...[heads, ...rows].map((row) => columnsOf(row[index] ?? ""))));
  const total = widths.reduce((sum, own) => sum + gap.length + own, 0);
  if (total > width) return stacked(heads, rows, width);
  const line = (row: readonly string[]): string => {
    const cells = row.map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align ?? "left"));
    return `${gap}${cells.join(gap)}`.trimEnd();
  };
  return lines([heads, ...rows].map(line));
}

/** Names with their values, such as a heading of facts; values that do not fit are cut. */
export function facts(rows: readonly (readonly [string, string])[], width: number): string {
  const names = Math.max(...rows.map(([name]) => columnsOf(name)));
  return lines(rows.map(([name, value]) => cut(`${padded(name, names, "left")}${gap}${value}`.trimEnd(), width)));
}

function stacked(heads: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const names = Math.max(...heads.slice(1).map(columnsOf));
  const found = rows.flatMap(([first = "", ...rest]) => [
    `${gap}${first}`,
    ...rest.map((cell, index) => `${gap}${gap}${padded(heads[index + 1] ?? "", names, "left")}${gap}${cell}`),
  ]);
  return lines(found.map((line) => cut(line.trimEnd(), width)));
}

function padded(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - columnsOf(text)));
  return align === "left" ? text + space : space + text;
}

function lines(found: readonly string[]): string {
  return found.map((line) => `${line}\n`).join("");
}
