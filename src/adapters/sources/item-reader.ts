/** What a kind of source has to provide: its items, page by page. */
import type { SafeHttp } from "../safe-http.ts";

/** One item as its service has it, for the mapping to make a chat record of. */
export interface RawItem {
  /** The item's id at its source, the same in every pass. */
  id: string;
  /** Where people find it: its address, or `<key>#<line>`. */
  at: string;
  /** ISO-8601: when it was written or, if that is not known, delivered. */
  receivedAt: string;
  /** Plain JSON. */
  value: unknown;
  /** Why it cannot be read, such as a line that is not JSON; `value` is then what there is of it. */
  problem?: string;
}

/** Items that arrived together, and where a later pass goes on after them. */
export interface ItemPage {
  items: RawItem[];
  /**
   * Opaque and durable. A pass that starts with it meets everything that this pass has not yielded up to this page, and
   * may meet items again: duplicates are dropped later, so when in doubt a cursor stays behind and never skips.
   */
  cursor: string;
}

/** What a reader works with. */
export interface ReadContext {
  /** The only way to the network; keeps the source's rate. */
  http: SafeHttp;
  /** The secret of that name. Throws InvalidInput that names the variable when it is not set. */
  secret: (name: string) => string;
  /** Ends the pass. */
  signal: AbortSignal;
  now: () => Date;
}

/**
 * Reads a source from where `cursor` says, null for the start, to its end. Checks of the definition that need no network come
 * before the first request. Makes one attempt: a failure ends the pass, and the next one starts from the last cursor.
 */
export type ItemReader<Source> = (
  source: Source,
  cursor: string | null,
  context: ReadContext,
) => AsyncIterable<ItemPage>;
