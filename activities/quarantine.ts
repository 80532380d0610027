/** What was refused of a dataset version's items, and why. */
import { z } from "zod";
import { batchSchema } from "../src/domain/batch-schema.ts";
import type { DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { textLines } from "../src/domain/lines.ts";
import type { ObjectStore } from "../src/ports.ts";
import { needDocument, parseLine } from "./documents.ts";
import { inLanes } from "./lanes.ts";

/** A version may have thousands of batches. */
const batchesAtOnce = 16;
/** Reasons told apart; the rest counts together. */
const mostReasons = 100;

/** Refused items that were refused for one reason. */
export interface QuarantineReason {
  reason: string;
  items: number;
  /** Where one of them is, at its source. */
  example: string;
}

/** Refused items of one version. */
export interface Quarantine {
  /** The most frequent first. */
  reasons: QuarantineReason[];
  /** Items whose reasons are not known any more, for what was received has been removed from the bucket. */
  unknown: number;
}

const refusedSchema = z.object({ at: z.string(), reason: z.string() });

/** Groups the refused items of a version by reason. Lines in quarantine that are not refused items count as unknown. */
export async function readQuarantine(store: ObjectStore, version: DatasetVersion): Promise<Quarantine> {
  const expected = Object.values(version.perSource).reduce((sum, { quarantined }) => sum + quarantined, 0);
  const reasons = new Map<string, QuarantineReason>();
  let known = 0;
  const batches = expected === 0 ? [] : version.batches;
  await inLanes(batchesAtOnce, batches, async (batch) => {
    for await (const { at, reason } of refusedOf(store, batch)) {
      known++;
      count(reasons, reason, at);
    }
  });
  const sorted = [...reasons.values()].toSorted((a, b) => b.items - a.items);
  return { reasons: sorted, unknown: Math.max(0, expected - known) };
}

function count(reasons: Map<string, QuarantineReason>, reason: string, at: string): void {
  // Positions within an item would make a reason of their own of each.
  const general = reason.replaceAll(/\.\d+(?=[.:]|$)/g, ".*");
  const name = reasons.size < mostReasons || reasons.has(general) ? general : "another reason";
  const found = reasons.get(name);
  if (found) found.items++;
  else reasons.set(name, { reason: name, items: 1, example: at });
}

async function* refusedOf(store: ObjectStore, batch: string): AsyncGenerator<z.infer<typeof refusedSchema>> {
  try {
    const { chunks } = await needDocument(store, batch, batchSchema);
    for (const { quarantine } of chunks) {
      if (quarantine === null) continue;
      let number = 0;
      for await (const line of textLines(await store.stream(quarantine))) {
        yield parseLine(refusedSchema, line, { key: quarantine, number: ++number });
      }
    }
  } catch (error) {
    // What was received may be deleted after a while, by a rule of the bucket.
    if (!(error instanceof TypedFailure && ["NotFound", "InvalidData"].includes(error.type))) throw error;
  }
}
