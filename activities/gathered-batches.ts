import { hash } from "node:crypto";
import { gatheredBatchesSchema, type GatheredBatches } from "../src/domain/batch-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { needDocument, writeDocument } from "./documents.ts";

/** What sources brought to a commit: keys of batches, and why others failed. */
type Brought = Pick<GatheredBatches, "batches" | "failedSources">;

/** Writes down batches and failures under a name made of them. */
export async function gatherBatches(store: ObjectStore, gathered: GatheredBatches): Promise<{ key: string }> {
  const key = objectKeys.gathered(gathered.dataset, hash("sha256", JSON.stringify(gathered), "hex"));
  await writeDocument(store, key, gathered);
  return { key };
}

/** A request with the batches and failures of the documents `keys`, in their order, after its own. */
export async function withGathered<T extends Brought>(
  store: ObjectStore,
  request: T,
  keys: readonly string[],
): Promise<T> {
  const lists = await Promise.all(keys.map((key) => needDocument(store, key, gatheredBatchesSchema)));
  return {
    ...request,
    batches: [request, ...lists].flatMap(({ batches }) => batches),
    failedSources: Object.assign({}, ...[request, ...lists].map(({ failedSources }) => failedSources)),
  };
}
