import { z } from "zod";
import { chunkSchema, type Chunk } from "../src/domain/batch-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { contentName } from "./chunk-writer.ts";
import { needDocument, writeDocument } from "./documents.ts";

/** Chunks that are named one by one before they are listed: of each there may be 22 KB, most of it record ids. */
const namedAtMost = 4;

/** What a batch has written so far, in a form that fits into a heartbeat however much that is. */
export const keptChunksSchema = z.object({
  /** How many chunks there are. */
  count: z.int(),
  /** The list of all chunks but the last ones, which names the list before it. */
  list: z.string().nullable(),
  last: z.array(chunkSchema),
});
export type KeptChunks = z.infer<typeof keptChunksSchema>;

const listSchema = z.object({ before: z.string().nullable(), chunks: z.array(chunkSchema) });

/** Nothing yet. */
export function noChunks(): KeptChunks {
  return { count: 0, list: null, last: [] };
}

/** The same with one more; `batch` names lists that have to be written for it. */
export async function withChunk(
  store: ObjectStore,
  of: { source: string; batch: string },
  { count, list, last }: KeptChunks,
  chunk: Chunk,
): Promise<KeptChunks> {
  if (last.length < namedAtMost) return { count: count + 1, list, last: [...last, chunk] };
  const content = { before: list, chunks: last };
  const key = objectKeys.batchChunks(of.source, `${of.batch}-${contentName(JSON.stringify(content))}`);
  await writeDocument(store, key, content);
  return { count: count + 1, list: key, last: [chunk] };
}

/** All of them, in their order. Throws NotFound and InvalidData for a list that is not as it was written. */
export async function allChunks(store: ObjectStore, { list, last }: KeptChunks): Promise<Chunk[]> {
  const lists = [last];
  for (let key = list; key !== null;) {
    const { before, chunks } = await needDocument(store, key, listSchema);
    lists.push(chunks);
    key = before;
  }
  return lists.toReversed().flat();
}
