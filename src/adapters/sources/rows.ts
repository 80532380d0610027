/** Rows of tables as lines of JSON, so that everything behind meets the same whatever the file was. */
import { TypedFailure } from "../../domain/failures.ts";

/** What is to be known of a table to read it. */
export interface Table {
  /** What people know it by. */
  name: string;
  /** Whether a mapping makes chat records of rows; else rows must be such records, with a column `messages`. */
  isMapped: boolean;
}

/** Rows that are passed on at once. */
export const rowsAtOnce = 1000;

/** Fields of a chat record that are more than text: in a table they can be JSON. */
const structured = ["messages", "labels"] as const;

/** Throws InvalidInput when the table is not mapped and its columns are not those of chat records. */
export function checkColumns({ name, isMapped }: Table, columns: readonly string[]): void {
  if (isMapped || columns.includes("messages")) return;
  const shown = columns.slice(0, 12).map((column) => column.slice(0, 40));
  throw new TypedFailure(
    "InvalidInput",
    `map: ${name} has no column messages, only ${shown.join(", ")}: say in a map how its rows become chat records`,
  );
}

/** A row as a line of JSON. Columns of unmapped tables that are blank count as missing, JSON in them is taken as such. */
export function lineOf({ isMapped }: Table, row: Record<string, unknown>): string {
  if (isMapped) return JSON.stringify(row);
  const chat = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== ""));
  for (const field of structured) {
    const value = chat[field];
    if (typeof value === "string") chat[field] = parsedOr(value);
  }
  return JSON.stringify(chat);
}

/** Text that is no JSON stays text, and is refused as such. */
function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
