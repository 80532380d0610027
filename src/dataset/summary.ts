/** What people want to know of one dataset version. */
import { readQuarantine, type Quarantine } from "../../activities/quarantine.ts";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { addedParts, countBytes } from "../domain/dataset-version.ts";
import type { ObjectStore } from "../ports.ts";
import { ancestorsOf } from "./versions.ts";

/** Ancestors that are read: each manifest names all parts before it. */
const ancestorsShown = 9;

/** One link of the chain of versions. */
export interface ChainLink {
  version: number;
  createdAt: string;
  /** Records of all splits that it added. */
  added: number;
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
