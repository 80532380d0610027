/** Dataset versions as people name them: `games`, `games@12`. */
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { datasetVersionId } from "../domain/ids.ts";
import type { ObjectStore } from "../ports.ts";
import { listDatasets, readVersion } from "../dataset/versions.ts";
import { nearNames } from "../domain/near-names.ts";
import { UsageError } from "./usage-error.ts";

/** What a reference names. */
export interface DatasetReference {
  name: string;
  /** Null for the newest. */
  version: number | null;
}

/** Takes `NAME` or `NAME@VERSION` apart. Throws UsageError on anything else. */
export function parseReference(text: string): DatasetReference {
  const [, name, version] = /^([a-z0-9-]{1,40})(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`${text}: must be NAME or NAME@VERSION, such as games@12`);
  return { name, version: version === undefined ? null : Number(version) };
}

/** The version that is meant. Throws an error that says which datasets or versions there are. */
export async function findVersion(store: ObjectStore, { name, version }: DatasetReference): Promise<DatasetVersion> {
  const found = await readVersion(store, name, version);
  if (found !== null) return found;
  const newest = version === null ? null : await readVersion(store, name, null);
  if (newest === null) throw new Error(await unknownDataset(store, name));
  if (version !== null && version > newest.version) {
    throw new Error(`${name} has no version ${version}: the newest is ${datasetVersionId(name, newest.version)}`);
  }
  throw new Error(`the manifest of ${name}@${version} is missing: tuneloop dataset verify ${name} says what else is`);
}

async function unknownDataset(store: ObjectStore, name: string): Promise<string> {
  const names: string[] = [];
  for await (const entry of listDatasets(store)) names.push(entry.name);
  const there = `there is no dataset ${name} in ${store.uri("")}`;
  if (names.length === 0) return `${there}, nor any other: an update of a dataset makes its first version`;
  const near = nearNames(name, names);
  const offered =
    near.length > 0 ? `did you mean ${near.join(" or ")}?` : `tuneloop dataset list shows those there are`;
  return `${there}: ${offered}`;
}
