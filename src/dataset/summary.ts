/** What people want to know of one dataset version. */
import { needDocument, parseLine } from "../../activities/documents.ts";
import { inLanes } from "../../activities/lanes.ts";
import { z } from "zod";
import { batchSchema } from "../domain/batch-schema.ts";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { addedParts, countBytes } from "../domain/dataset-version.ts";
import { TypedFailure } from "../domain/failures.ts";
import { textLines } from "../domain/lines.ts";
import type { ObjectStore } from "../ports.ts";
import { ancestorsOf } from "./versions.ts";

/** Ancestors that are read: each manifest names all parts before it. */
const ancestorsShown = 9;
/** A version may have thousands of batches. */
const batchesAtOnce = 16;
/** Reasons told apart; the rest counts together. */
const mostReasons = 100;

/** One link of the chain of versions. */
export interface ChainLink {
  version: number;
  createdAt: string;
  /** Records of all splits that it added. */
  added: number;
}

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

/** Bytes as they are stored. */
export interface VersionSize {
  bytes: number;
  parts: number;
  addedBytes: number;
  addedParts: number;
}

/** What the version's manifest does not say by itself. */
export interface VersionSummary {
  /** The version itself and some of those before it, the newest first. */
  chain: ChainLink[];
  size: VersionSize;
  quarantine: Quarantine;
}

/** Reads what belongs to a version. Its records are not read. */
export async function summarise(store: ObjectStore, version: DatasetVersion): Promise<VersionSummary> {
  const chain = [linkOf(version)];
  let parent: DatasetVersion | null = null;
  for await (const ancestor of ancestorsOf(store, version)) {
    parent ??= ancestor;
    chain.push(linkOf(ancestor));
    if (chain.length > ancestorsShown) break;
  }
  const added = addedParts(version, parent);
  const size = {
    bytes: countBytes(version.parts),
    parts: version.parts.length,
    addedBytes: countBytes(added),
    addedParts: added.length,
  };
  return { chain, size, quarantine: await readQuarantine(store, version) };
}

function linkOf({ version, createdAt, perSource }: DatasetVersion): ChainLink {
  const added = Object.values(perSource).reduce((sum, { accepted }) => sum + accepted, 0);
  return { version, createdAt, added };
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
