import { TypedFailure } from "../../domain/failures.ts";
import type { SourceDefinition, SourceOf } from "../../domain/source-schema.ts";
import type { SourceItem, SourceReader, SourceReading } from "../../ports.ts";
import type { SafeHttpFor } from "../safe-http.ts";
import { createItemMapper, type ItemOutcome } from "./chat-items.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";

/** One pass over a source that also tells what it leaves out. */
export interface Examination {
  outcomes: AsyncIterable<ItemOutcome[]>;
  /** As of a pass of the port. */
  cursor(): Promise<string>;
  /** As of a pass of the port. */
  extent?: SourceReading["extent"];
}

/** A reader whose work people can look at. */
export interface ExaminableReader extends SourceReader {
  examine(source: SourceDefinition, cursor: string | null, signal: AbortSignal): Examination;
}

/** What readers share. */
export interface ReaderServices {
  http: SafeHttpFor;
  secret: ReadContext["secret"];
  now: ReadContext["now"];
}

/** Makes the port's reader of what examines a source: what is left out is not delivered. */
export function examinable(examine: ExaminableReader["examine"]): ExaminableReader {
  return {
    examine,
    read(source, cursor, signal) {
      const examination = examine(source, cursor, signal);
      return {
        items: delivered(examination.outcomes),
        cursor: () => examination.cursor(),
        extent: () => examination.extent?.() ?? null,
      };
    },
  };
}

/** Makes the port's reader of a kind's reader of raw items, by the mapping that each source has. */
export function mapped<Kind extends SourceDefinition["kind"]>(
  kind: Kind,
  reader: ItemReader<SourceOf<Kind>>,
  services: ReaderServices,
): ExaminableReader {
  return examinable((source, start, signal) => {
    const definition = ofKind(source, kind);
    const requestsPerMinute = "requestsPerMinute" in source ? (source.requestsPerMinute ?? null) : null;
    const { http, secret, now } = services;
    const map = createItemMapper(source);
    let reached = start;
    async function* outcomes(): AsyncGenerator<ItemOutcome[]> {
      for await (const { items, cursor } of reader(definition, start, {
        http: http(requestsPerMinute),
        secret,
        signal,
        now,
      })) {
        signal.throwIfAborted();
        const group = items.map((item) => map(item, rawOf(item)));
        reached = cursor;
        yield group;
      }
    }
    return {
      outcomes: outcomes(),
      cursor: async () => {
        if (reached === null) throw new TypedFailure("Internal", `source ${source.id} was not read yet`);
        return reached;
      },
    };
  });
}

function rawOf({ problem, value }: RawItem): string {
  return problem !== undefined && typeof value === "string" ? value : JSON.stringify(value);
}

async function* delivered(outcomes: AsyncIterable<ItemOutcome[]>): AsyncGenerator<SourceItem[]> {
  // A group of which nothing is left is passed on too: whoever reads may be counting time.
  for await (const group of outcomes) yield group.every(isDelivered) ? group : group.filter(isDelivered);
}

function isDelivered(outcome: ItemOutcome): outcome is SourceItem {
  return !("leftOut" in outcome);
}

/** The source as its kind has it; each kind's reader gets no others. */
export function ofKind<Kind extends SourceDefinition["kind"]>(source: SourceDefinition, kind: Kind): SourceOf<Kind> {
  if (isOfKind(source, kind)) return source;
  throw new TypedFailure("Internal", `a source of kind ${source.kind} came to the reader of ${kind}`);
}

function isOfKind<Kind extends SourceDefinition["kind"]>(
  source: SourceDefinition,
  kind: Kind,
): source is SourceOf<Kind> {
  return source.kind === kind;
}
