/** Datasets and their versions, as they lie in the bucket. Reads only. */
import { newestVersion } from "../../activities/commit-version.ts";
import { readDocument } from "../../activities/documents.ts";
import { datasetVersionSchema, type DatasetVersion } from "../domain/dataset-version-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";

/** A dataset as a list shows it: the number of its newest version, and that itself or why it cannot be read. */
export type DatasetEntry = { name: string; version: number } & ({ newest: DatasetVersion } | { problem: string });

/** The datasets that have a version, in the order of their keys; few calls for each, however many objects it has. */
export async function* listDatasets(store: ObjectStore): AsyncGenerator<DatasetEntry> {
  const root = objectKeys.datasets;
  let startAfter: string = root;
  for (;;) {
    const name = await firstNameAfter(store, startAfter);
    if (name === null) return;
    const entry = await readEntry(store, name);
    if (entry !== null) yield entry;
    // With the character after the slash in its place: above all keys of this dataset and below those of the next.
    startAfter = `${root}${name}0`;
  }
}

/** A version, the newest when none is named; null when there is none. Throws InvalidData on one of another shape. */
export async function readVersion(
  store: ObjectStore,
  dataset: string,
  version: number | null,
): Promise<DatasetVersion | null> {
  if (version === null) return newestVersion(store, dataset);
  const found = await readDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
  return found?.value ?? null;
}

/** The versions that a version was built on, the last one first; ends where one is missing. */
export async function* ancestorsOf(store: ObjectStore, version: DatasetVersion): AsyncGenerator<DatasetVersion> {
  let { parent } = version;
  while (parent !== null) {
    const ancestor = await readVersion(store, version.dataset, parent);
    if (ancestor === null) return;
    yield ancestor;
    parent = ancestor.parent;
  }
}

async function firstNameAfter(store: ObjectStore, startAfter: string): Promise<string | null> {
  for await (const { key } of store.list(objectKeys.datasets, { startAfter })) {
    const [name, ...rest] = key.slice(objectKeys.datasets.length).split("/");
    if (name !== undefined && rest.length > 0) return name;
  }
  return null;
}

async function readEntry(store: ObjectStore, name: string): Promise<DatasetEntry | null> {
  const version = await newestNumber(store, name);
  if (version === null) return null;
  try {
    const newest = await readVersion(store, name, version);
    return newest === null ? null : { name, version, newest };
  } catch (error) {
    // One that is damaged must not hide the others.
    if (error instanceof TypedFailure && error.type === "InvalidData") return { name, version, problem: error.message };
    throw error;
  }
}

async function newestNumber(store: ObjectStore, dataset: string): Promise<number | null> {
  let newest: string | undefined;
  for await (const { key } of store.list(objectKeys.versions(dataset)))
    newest = /(\d+)\.json$/.exec(key)?.[1] ?? newest;
  return newest === undefined ? null : Number(newest);
}
