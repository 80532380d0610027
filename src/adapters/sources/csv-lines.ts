import { finished } from "node:stream/promises";
import { CsvError, parse, type Parser } from "csv-parse";
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
    if (!(error instanceof CsvProblem || error instanceof CsvError)) throw error;
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

/** What is wrong with the bytes of a table, and not with getting or using them. */
class CsvProblem extends Error {}

async function* rowsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const text = textOf(bytes);
  let head = "";
  while (head.length < maxHeaderLength && !head.includes("\n")) {
    const piece = await text.next();
    if (piece.done === true) break;
    head += piece.value;
  }
  const met: string[][] = [];
  const parser = parse({
    delimiter: separatorOf(head),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxLineBytes,
    // Taken here and not from the stream, which drops what it holds when the table turns out to be broken.
    on_record: (row: string[]) => void met.push(row),
  }).resume();
  const ended = finished(parser);
  // Awaited in the end; this only keeps an early failure from being called unhandled.
  ended.catch(() => {});
  try {
    for await (const piece of withHead(head, text)) {
      await written(parser, piece);
      yield* met.splice(0);
    }
    parser.end();
    await ended;
    yield* met.splice(0);
  } catch (error) {
    yield* met.splice(0);
    throw error;
  } finally {
    parser.destroy();
    await text.return(undefined);
  }
}

async function* withHead(head: string, text: AsyncIterable<string>): AsyncGenerator<string> {
  yield head;
  yield* text;
}

function written(parser: Parser, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(text, (error) => (error ? reject(error) : resolve()));
  });
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
