/** Recomputes everything that a dataset version claims, back to its first version. Reads only. */
import { contentHashOf } from "../../activities/commit-version.ts";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { addedParts, countSplits } from "../domain/dataset-version.ts";
import { TypedFailure } from "../domain/failures.ts";
import { datasetVersionId } from "../domain/ids.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";
import { IdLedger } from "./id-ledger.ts";
import type { Problem, Tell } from "./problems.ts";
import { verifyIdLists, verifyParts } from "./verify-records.ts";
import { readVersion } from "./versions.ts";

/** Problems that are kept; more are only counted. */
const mostProblems = 1000;

/** How far a check has come. */
export interface Progress {
  parts: number;
  records: number;
}

/** What a check found out. */
export interface Verification {
  dataset: string;
  version: number;
  /** Versions in its chain, itself too. */
  versions: number;
  /** That were read. */
  parts: number;
  records: number;
  /** The first thousand. */
  problems: Problem[];
  /** All problems that were found. */
  found: number;
}

/**
 * Checks a version and all those before it: the content hash of each manifest on its parent's, its counts against its
 * parts, each part's hash and number of records, each record's shape, id, source and split, each list of ids, and that no
 * record is there twice. Goes on after a problem. Memory: 80 bytes a record and some parts.
 *
 * What was received (`raw/`, `quarantine/`) is not checked: it may be deleted without harm.
 */
export async function verifyVersion(
  store: ObjectStore,
  dataset: string,
  version: number,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Verification> {
  const result: Verification = { dataset, version, versions: version, parts: 0, records: 0, problems: [], found: 0 };
  const tell: Tell = (at, problem) => {
    result.found++;
    if (result.problems.length < mostProblems) result.problems.push({ at, problem });
  };
  const ledger = new IdLedger(1024);
  const checked = new Set<string>();
  let parent: DatasetVersion | null = null;
  for (let number = 1; number <= version; number++) {
    const manifest = await readManifest(store, dataset, number, tell);
    if (manifest === null) continue;
    verifyManifest(manifest, { dataset, number, parent }, tell);
    // Also where it calls itself something else.
    const own = { ...manifest, dataset, version: number };
    for await (const records of verifyParts(store, own, addedParts(manifest, parent), ledger, tell)) {
      result.parts++;
      result.records += records;
      onProgress({ parts: result.parts, records: result.records });
    }
    await verifyIdLists(store, own, { ledger, checked }, tell);
    parent = manifest;
  }
  return result;
}

async function readManifest(
  store: ObjectStore,
  dataset: string,
  version: number,
  tell: Tell,
): Promise<DatasetVersion | null> {
  const key = objectKeys.version(dataset, version);
  try {
    const manifest = await readVersion(store, dataset, version);
    if (manifest === null) tell(key, "is missing");
    return manifest;
  } catch (error) {
    if (!(error instanceof TypedFailure && error.type === "InvalidData")) throw error;
    tell(key, `is no manifest: ${error.message.replace(`${key}: `, "")}`);
    return null;
  }
}

interface Place {
  dataset: string;
  number: number;
  /** The last version before it that can be read. */
  parent: DatasetVersion | null;
}

function verifyManifest(manifest: DatasetVersion, { dataset, number, parent }: Place, tell: Tell): void {
  const key = objectKeys.version(dataset, number);
  const differs = (what: string, is: unknown, expected: unknown): void => {
    const [has, needed] = [is, expected].map((value) => JSON.stringify(value));
    if (has !== needed) tell(key, `${what} is ${has}, ${needed} is right`);
  };
  differs("dataset", manifest.dataset, dataset);
  differs("version", manifest.version, number);
  differs("parent", manifest.parent, number === 1 ? null : number - 1);
  differs("records", manifest.records, countSplits(manifest.parts));
  for (const [source, counts] of Object.entries(manifest.perSource)) {
    const { received, accepted, quarantined, duplicates } = counts;
    differs(`perSource.${source}.received`, received, accepted + quarantined + duplicates);
  }
  if ((parent?.version ?? 0) !== number - 1) {
    tell(key, `its content hash cannot be checked without ${datasetVersionId(dataset, number - 1)}`);
    return;
  }
  differs("contentHash", manifest.contentHash, contentHashOf(manifest, parent));
  for (const [source, records] of Object.entries(acceptedOf(manifest, parent))) {
    differs(`perSource.${source}.accepted`, manifest.perSource[source]?.accepted ?? 0, records);
  }
  if (parent !== null) verifyOnParent(manifest, parent, key, tell);
}

/** Versions only add: all that the parent has is there, at its place. */
function verifyOnParent(manifest: DatasetVersion, parent: DatasetVersion, key: string, tell: Tell): void {
  const on = datasetVersionId(parent.dataset, parent.version);
  const at = parent.parts.findIndex((part, index) => !isEqual(part, manifest.parts[index]));
  if (at !== -1) tell(key, `parts.${at} is not that of ${on}`);
  if (!isEqual(manifest.split, parent.split)) tell(key, `split is not that of ${on}`);
  const lost = Object.keys(parent.cursors).filter((source) => manifest.cursors[source] === undefined);
  if (lost.length > 0) tell(key, `cursors of ${lost.join(", ")} are missing, ${on} has them`);
}

/** Records by source in the parts that a version added. */
function acceptedOf(manifest: DatasetVersion, parent: DatasetVersion | null): Record<string, number> {
  const accepted: Record<string, number> = Object.fromEntries(
    Object.keys(manifest.perSource).map((source) => [source, 0]),
  );
  for (const { source, records } of addedParts(manifest, parent)) accepted[source] = (accepted[source] ?? 0) + records;
  return accepted;
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
