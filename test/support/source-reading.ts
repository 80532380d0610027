/** Reads sources in tests as a worker does: over safe HTTP, with secrets by name, from cursor to cursor. */
import { createSafeHttp } from "../../src/adapters/safe-http.ts";
import type { ItemPage, ItemReader, RawItem, ReadContext } from "../../src/adapters/sources/item-reader.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { ServiceFake } from "./service-fake.ts";

/** Where and when a test reads. */
export interface Reading {
  /** `host:port` that may be reached. */
  hosts?: string[];
  secrets?: Record<string, string>;
  now?: () => Date;
  signal?: AbortSignal;
}

/** What a reader is given. */
export function readContext({ hosts = [], secrets = {}, now = () => new Date(), signal }: Reading): ReadContext {
  return {
    http: createSafeHttp({ allowHosts: hosts })(null),
    secret: (name) => {
      const value = secrets[name];
      if (value === undefined) throw new TypedFailure("InvalidInput", `${name} is not set`);
      return value;
    },
    signal: signal ?? new AbortController().signal,
    now,
  };
}

/** What a pass met, and where it ended. */
export interface Pass {
  items: RawItem[];
  cursor: string | null;
  pages: ItemPage[];
  /** Whether it came to the source's end. */
  ended: boolean;
}

/** Items of a pass and where it ended; `pages` cuts it off after so many, as a crash would. */
export async function readPass<Source>(
  reader: ItemReader<Source>,
  source: Source,
  cursor: string | null,
  context: ReadContext,
  pages = Infinity,
): Promise<Pass> {
  const met: ItemPage[] = [];
  let ended = true;
  for await (const page of reader(source, cursor, context)) {
    met.push(page);
    if (met.length >= pages) {
      ended = false;
      break;
    }
  }
  return { items: met.flatMap(({ items }) => items), cursor: met.at(-1)?.cursor ?? cursor, pages: met, ended };
}

/** How a pass fails; throws when it does not, or with something that has no type. */
export async function failureOfPass<Source>(
  reader: ItemReader<Source>,
  source: Source,
  context: ReadContext,
  cursor: string | null = null,
): Promise<TypedFailure> {
  try {
    await readPass(reader, source, cursor, context);
  } catch (error) {
    if (error instanceof TypedFailure) return error;
    throw error;
  }
  throw new Error("the pass did not fail");
}

/** What happens at a service, or a pass over it; `crash` breaks one off. */
export interface SourceEvent {
  kind: string;
  pick: number;
}

/**
 * Plays a history: reads where it says so, and lets about half of what happens after that happen between two requests of
 * the pass instead.
 *
 * @param happen takes an event, and whether it happens while a pass is under way
 * @param read reads a pass, or so many pages of one
 */
export async function playHistory<Event extends SourceEvent>(
  fake: Pick<ServiceFake, "meanwhile">,
  events: readonly Event[],
  happen: (event: Event, underway: boolean) => void,
  read: (pages?: number) => Promise<void>,
): Promise<void> {
  const queue = [...events];
  const isReading = ({ kind }: Event): boolean => kind === "read" || kind === "crash";
  fake.meanwhile(() => {
    const next = queue[0];
    if (next === undefined || next.pick % 2 === 1 || isReading(next)) return;
    queue.shift();
    happen(next, true);
  });
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (!isReading(next)) happen(next, false);
    else await read(next.kind === "crash" ? 1 + (next.pick % 3) : undefined);
  }
  fake.meanwhile(null);
}
