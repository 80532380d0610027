import { pipeline, Readable } from "node:stream";
import { parse } from "csv-parse";
import { maxLineBytes } from "../../domain/record.ts";
import type { Line } from "./line-splitter.ts";
import { checkColumns, lineOf, rowsAtOnce, type Table } from "./rows.ts";

/** Longest header that is looked at to find what separates columns, in characters. */
const maxHeaderLength = 64 * 1024;
const separators = [",", ";", "\t"] as const;

/**
 * Reads CSV (RFC 4180; commas, semicolons or tabs, as the header has them) in constant memory: the first row names the
 * columns, each further one is an object of texts. Rows are numbered from 1 behind the header. A row that does not fit is
 * reported, one that nothing can be read behind ends the table with a problem. Throws InvalidInput as
 * {@link checkColumns}.
 */
export async function* csvLines(bytes: AsyncIterable<Uint8Array>, table: Table): AsyncGenerator<Line[]> {
  let number = 0;
  let columns: readonly string[] | null = null;
  let lines: Line[] = [];
  try {
    for await (const cells of rowsOf(bytes)) {
      if (columns === null) {
        columns = headerOf(cells);
        checkColumns(table, columns);
        continue;
      }
      lines.push(toLine(++number, cells, columns, table));
      if (lines.length < rowsAtOnce) continue;
      yield lines;
      lines = [];
    }
  } catch (error) {
    if (!isCsvProblem(error)) throw error;
    lines.push({
      number: number + 1,
      text: "",
      problem: `the CSV cannot be read after row ${number}: ${error.message}`,
    });
  }
  if (lines.length > 0) yield lines;
}

function toLine(number: number, cells: readonly string[], columns: readonly string[], table: Table): Line {
  const row = Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]));
  const text = lineOf(table, row);
  if (cells.length === columns.length) return { number, text, problem: null };
  return {
    number,
    text: text.slice(0, 1000),
    problem: `row of ${cells.length} columns: the header has ${columns.length}`,
  };
}

function headerOf(cells: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.trim());
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new CsvProblem(`its header names the column "${twice.slice(0, 40)}" twice`);
  return columns;
}

class CsvProblem extends Error {}

/** Whether an error is about the bytes of the table, and not about getting or using them. */
function isCsvProblem(error: unknown): error is Error {
  if (error instanceof CsvProblem) return true;
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("CSV_");
}

async function* rowsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const text = textOf(bytes);
  let head = "";
  while (head.length < maxHeaderLength && !head.includes("\n")) {
    const piece = await text.next();
    if (piece.done === true) break;
    head += piece.value;
  }
  async function* whole(): AsyncGenerator<string> {
    yield head;
    yield* text;
  }
  const parser = parse({
    delimiter: separatorOf(head),
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxLineBytes,
  });
  // What breaks the bytes breaks the parser, whose reader hears of it.
  for await (const row of pipeline(Readable.from(whole()), parser, () => {})) {
    const cells: string[] = row;
    yield cells;
  }
}

/** UTF-8 as text, without the mark at its beginning. Throws a CsvProblem for anything else. */
async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch {
      throw new CsvProblem("it is not valid UTF-8");
    }
  };
  for await (const piece of bytes) yield decode(piece);
  yield decode();
}

/** The one that the header has most of, outside of quotes. */
function separatorOf(head: string): string {
  const header = (/^[^\n]*/.exec(head.replaceAll(/"[^"]*"/g, ""))?.[0] ?? "").split("");
  const counts = separators.map((separator) => header.filter((sign) => sign === separator).length);
  return separators[counts.indexOf(Math.max(...counts))] ?? ",";
}
