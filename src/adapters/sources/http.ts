/**
 * Reads JSONL, JSON or CSV over HTTPS. One file is asked for with the marks of its last state (ETag, Last-Modified): as long
 * as it is unchanged a pass costs one answer without a body. Pages are read anew by each pass, from the first to the last,
 * because nothing says that only the last ones change; what is not new is found to be duplicate later.
 */
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import type { HttpSource } from "../../domain/http-source-schema.ts";
import { isThere, parsePath, valueAt } from "../../domain/template.ts";
import type { HttpReply } from "../safe-http.ts";
import { rawItem } from "./chat-items.ts";
import { parseCursor } from "./cursor.ts";
import { fileLines, type LineFormat } from "./file-lines.ts";
import { sniffed } from "./gunzip.ts";
import type { ItemPage, ItemReader, RawItem, ReadContext } from "./item-reader.ts";

/** Largest file of lines or rows, unpacked, in bytes, and the longest it may take, in milliseconds: it is never in memory. */
const maxFileBytes = 64 * 1024 ** 3;
const fileTimeoutMs = 6 * 60 * 60 * 1000;
/** Most pages of one pass: an API that never ends has a fault. */
const maxPages = 100_000;

/**
 * `etag` and `modified`: the state of the file that was read, up to `lines` of it or, without, to its end. `page`: where a
 * pass over pages goes on.
 */
const cursorSchema = z.object({
  etag: z.string().optional(),
  modified: z.string().optional(),
  lines: z.int().optional(),
  page: z.string().optional(),
});
type Cursor = z.infer<typeof cursorSchema>;

/** Items of a file, or of all pages. */
export const readHttp: ItemReader<HttpSource> = async function* (source, text, context) {
  const cursor = text === null ? {} : parseCursor(source.id, cursorSchema, text);
  const headers: Record<string, string> =
    source.tokenSecret === undefined ? {} : { authorization: `Bearer ${context.secret(source.tokenSecret)}` };
  if (source.paging === undefined) yield* readFile(source, cursor, headers, context);
  else yield* readPages(source, cursor, headers, context);
};

async function* readFile(
  source: HttpSource,
  cursor: Cursor,
  headers: Record<string, string>,
  context: ReadContext,
): AsyncGenerator<ItemPage> {
  const known = cursor.lines === undefined ? marksAsHeaders(cursor) : {};
  const reply = await ask(source, source.url, { ...headers, ...known }, context);
  if (reply.status === 304) return reply.dispose();
  const marks = marksOf(reply);
  // Only the same state of the file has the same lines.
  const isSame =
    isThere(marks.etag ?? marks.modified) && marks.etag === cursor.etag && marks.modified === cursor.modified;
  const skipped = isSame ? (cursor.lines ?? 0) : 0;
  for await (const { items, lines } of contentOf(source, reply, skipped, context))
    if (items.length > 0) yield { items, cursor: JSON.stringify({ ...marks, lines }) };
  yield { items: [], cursor: JSON.stringify(marks) };
}

async function* readPages(
  source: HttpSource,
  cursor: Cursor,
  headers: Record<string, string>,
  context: ReadContext,
): AsyncGenerator<ItemPage> {
  const met = new Set<string>();
  let next: string | null = cursor.page ?? source.url;
  while (next !== null) {
    const page: string = next;
    if (met.has(page))
      throw new TypedFailure("InvalidData", `source ${source.id}: its pages lead back to one that was read`);
    if (met.size === maxPages)
      throw new TypedFailure("InvalidData", `source ${source.id}: more than ${maxPages} pages`);
    met.add(page);
    const reply = await ask(source, page, headers, context);
    let found: Content["next"] = null;
    for await (const content of contentOf(source, reply, 0, context)) {
      found = content.next;
      // A pass that ends within the page reads it again.
      yield { items: content.items, cursor: JSON.stringify({ page }) };
    }
    next = nextPage(source, page, source.paging?.by === "link" ? linkTo("next", reply.headers["link"]) : found);
    yield { items: [], cursor: JSON.stringify(next === null ? {} : { page: next }) };
  }
}

function ask(
  source: HttpSource,
  url: string,
  headers: Record<string, string>,
  { http, signal }: ReadContext,
): Promise<HttpReply> {
  // Of JSON the whole answer is in memory, and kept to the usual size.
  const isFile = formatSaid(source, null) !== "json";
  const limits = isFile ? { maxBytes: maxFileBytes, timeoutMs: fileTimeoutMs } : {};
  return http.request({ url, headers, signal, ...limits });
}

/** A part of an answer. */
interface Content {
  items: RawItem[];
  /** Lines, rows or elements up to the end of this part. */
  lines: number;
  /** What the paging's field holds. */
  next: string | null;
}

/** What is in an answer behind the first `skipped` lines. */
async function* contentOf(
  source: HttpSource,
  reply: HttpReply,
  skipped: number,
  context: ReadContext,
): AsyncGenerator<Content> {
  const receivedAt = timeOf(reply, context.now());
  const format = formatOf(source, reply);
  if (format === "json") {
    yield await readJson(source, reply, skipped, receivedAt);
    return;
  }
  // The query is no part of the place: it may hold a secret, and changes from page to page.
  const place = placeOf(source.url);
  // Not by the name: some servers unpack `.gz` on the way.
  const { isPacked, bytes } = await sniffed(reply.body);
  const file = { format, isPacked, name: place, isMapped: source.map !== undefined };
  const of = { key: place, modifiedAt: receivedAt };
  for await (const lines of fileLines(bytes, file, context.signal)) {
    const items = lines.filter(({ number }) => number > skipped).map((line) => rawItem(of, line));
    yield { items, lines: lines.at(-1)?.number ?? 0, next: null };
  }
}

async function readJson(source: HttpSource, reply: HttpReply, skipped: number, receivedAt: string): Promise<Content> {
  const pieces: Uint8Array[] = [];
  for await (const piece of reply.body) pieces.push(piece);
  const value = parseJson(source, Buffer.concat(pieces));
  const list = source.items === undefined ? value : at(source.items, value);
  const where = source.items ?? "the answer";
  if (!Array.isArray(list)) {
    const help = "name the path of the list in items";
    throw new TypedFailure("InvalidData", `source ${source.id}: items: ${where} is not a list; ${help}`);
  }
  const place = placeOf(source.url);
  const items = list.map((item: unknown, index): RawItem => {
    const id = idOf(item);
    const at = `${place}#${id ?? index + 1}`;
    return { id: id ?? at, at, receivedAt, value: item };
  });
  const next = source.paging?.by === "field" ? at(source.paging.field, value) : null;
  return {
    items,
    lines: items.length,
    next: typeof next === "string" || typeof next === "number" ? String(next) : null,
  };
}

function parseJson(source: HttpSource, bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new TypedFailure("InvalidData", `source ${source.id}: ${placeOf(source.url)} is not JSON`, { cause: error });
  }
}

/** Address of the next page. Throws Refused when it is at another host, which the token is not for. */
function nextPage(source: HttpSource, page: string, next: string | null): string | null {
  if (next === null || next === "") return null;
  const url = new URL(page);
  if (source.paging?.by === "field" && source.paging.parameter !== undefined) {
    url.searchParams.set(source.paging.parameter, next);
    return url.href;
  }
  if (!URL.canParse(next, page))
    throw new TypedFailure("InvalidData", `source ${source.id}: the next page's address is none`);
  const target = new URL(next, page);
  if (target.origin !== url.origin) {
    const from = `${target.origin} and not at ${url.origin}`;
    throw new TypedFailure("Refused", `source ${source.id}: the next page is said to be at ${from}`);
  }
  return target.href;
}

/** The address with a relation in a Link header (RFC 8288), such as `<https://x/?page=2>; rel="next"`. */
function linkTo(relation: string, header: string | undefined): string | null {
  for (const [, address, parameters = ""] of (header ?? "").matchAll(/<([^>]*)>((?:[^,"]|"[^"]*")*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters);
    const named = (relations?.[1] ?? relations?.[2] ?? "").toLowerCase().split(/\s+/);
    if (address !== undefined && named.includes(relation)) return address;
  }
  return null;
}

function formatOf(source: HttpSource, reply: HttpReply): "json" | Exclude<LineFormat, "parquet"> {
  const format = formatSaid(source, reply.headers["content-type"] ?? "");
  if (format !== null) return format;
  reply.dispose();
  const place = placeOf(source.url);
  throw new TypedFailure(
    "InvalidInput",
    `source ${source.id}: format: ${place} does not show what it is; write jsonl, json or csv`,
  );
}

/** By the definition, else by the ending of the address, else by the content type; null where none of them shows. */
function formatSaid(source: HttpSource, contentType: string | null): "json" | "jsonl" | "csv" | null {
  if (source.format !== undefined) return source.format;
  if (source.items !== undefined || source.paging?.by === "field") return "json";
  const ending = /\.(jsonl|ndjson|json|csv)(?:\.gz)?$/i.exec(new URL(source.url).pathname)?.[1]?.toLowerCase();
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (ending === "jsonl" || ending === "ndjson") return "jsonl";
  if (ending === "json" || ending === "csv") return ending;
  if (type === "text/csv") return "csv";
  if (type === "application/json") return "json";
  return /^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)$/.test(type ?? "") ? "jsonl" : null;
}

function marksOf({ headers }: HttpReply): Pick<Cursor, "etag" | "modified"> {
  const { etag, "last-modified": modified } = headers;
  return { ...(etag === undefined ? {} : { etag }), ...(modified === undefined ? {} : { modified }) };
}

function marksAsHeaders({ etag, modified }: Cursor): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(modified === undefined ? {} : { "if-modified-since": modified }),
  };
}

/** When the file was written, as far as it says; else now. */
function timeOf({ headers }: HttpReply, now: Date): string {
  const modified = Date.parse(headers["last-modified"] ?? "");
  return new Date(Number.isNaN(modified) ? now : modified).toISOString();
}

function idOf(item: unknown): string | null {
  const id = typeof item === "object" && item !== null ? at("id", item) : null;
  const text = typeof id === "string" || typeof id === "number" ? String(id) : "";
  return text === "" || text.length > 200 ? null : text;
}

function at(path: string, value: unknown): unknown {
  const parsed = parsePath(path);
  return "problem" in parsed ? undefined : valueAt(parsed, { item: value, element: value });
}

function placeOf(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname;
}
