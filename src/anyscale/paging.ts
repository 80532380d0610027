import type { z } from "zod";
import { InvalidRequestError, UnexpectedReplyError } from "./errors.ts";
import type { ApiCall, CallOptions, Transport } from "./transport.ts";
import { pageOf } from "./wire.ts";

/** Most pages that a listing is followed through; more is a server that never ends. */
const MAX_PAGES = 1000;

/** What of a page is read. */
interface Page<T> {
  results: T[];
  metadata?: { next_paging_token?: string | null | undefined } | null | undefined;
}

/** A listing: where, of what, and which. */
export interface Listing<T extends z.ZodType> {
  path: string;
  query: NonNullable<ApiCall<T>["query"]>;
  /** Shape of one item. */
  item: T;
  /** Items per page. */
  pageSize: number;
}

/** Items of a listing over all its pages, one call per page, made when its items are wanted. Throws an `AnyscaleError`. */
export async function* listed<T extends z.ZodType>(
  transport: Transport,
  { path, query, item, pageSize }: Listing<T>,
  options: CallOptions,
): AsyncGenerator<z.infer<T>> {
  const reply = pageOf(item);
  yield* onAllPages(`GET ${path}`, async (token) => {
    const paged = { ...query, paging_token: token, count: String(pageSize) };
    return await transport.call({ method: "GET", path, query: paged, reply, ...options });
  });
}

/**
 * Items over all pages, each asked for when its items are wanted. Throws `UnexpectedReplyError` for a server that never ends,
 * and whatever `ask` throws.
 *
 * @param what is listed, for messages: `GET /api/v2/services-v2/`
 * @param ask makes the call for one page; the token is undefined for the first
 */
export async function* onAllPages<T>(
  what: string,
  ask: (token: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { results, metadata } = await ask(token);
    yield* results;
    token = metadata?.next_paging_token ?? undefined;
    if (token === undefined) return;
  }
  throw new UnexpectedReplyError(`the listing ${what} did not end after ${MAX_PAGES} pages`);
}

/** The first `limit` items, all of them without one. */
export async function taken<T>(items: AsyncIterable<T>, limit: number = Infinity): Promise<T[]> {
  const found: T[] = [];
  if (limit <= 0) return found;
  for await (const item of items) {
    found.push(item);
    if (found.length >= limit) break;
  }
  return found;
}

/** Checks the items per page. Throws `InvalidRequestError`. */
export function checkPageSize(pageSize: number, most: number): void {
  if (Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= most) return;
  throw new InvalidRequestError(`pageSize is ${pageSize}; pass a whole number from 1 to ${most}`);
}
