import { hash } from "node:crypto";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { addedParts, type SplitCounts } from "../domain/dataset-version.ts";
import { TypedFailure } from "../domain/failures.ts";
import { type IdSet, idBytes } from "../domain/id-set.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { canonicalMessages, splitOf } from "../domain/record.ts";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ObjectStore } from "../ports.ts";
import { fetchParts, type FetchedPart } from "./parts.ts";
import type { Tell } from "./problems.ts";

/** A version, and what it was built on as far as that can be read. */
interface Link {
  manifest: DatasetVersion;
  parent: DatasetVersion | null;
}

/**
 * Checks the parts that a version added and its list of ids; yields the number of records of each part when it has been
 * read. `seen` holds the ids of all versions before, and of this one afterwards.
 */
export async function* verifyRecords(store: ObjectStore, link: Link, seen: IdSet, tell: Tell): AsyncGenerator<number> {
  const { manifest, parent } = link;
  const listed = await readIds(store, link, tell);
  const parts = addedParts(manifest, parent);
  const total = parts.reduce((sum, { records }) => sum + records, 0);
  const [list] = manifest.ids.slice(parent?.ids.length ?? 0);
  if (listed !== null && listed.length !== total * idBytes) {
    const key = list?.key ?? objectKeys.version(manifest.dataset, manifest.version);
    tell(key, `lists ${listed.length / idBytes} ids, the version added ${total} records`);
  }
  let position = 0;
  for await (const fetched of fetchParts(store, parts)) {
    const { part } = fetched;
    const key = objectKeys.part(manifest.dataset, part.sha256);
    if (part.key !== key) tell(part.key, `is not where its hash puts it, ${key}`);
    const own = listed?.subarray(position * idBytes, (position + part.records) * idBytes) ?? null;
    yield await verifyPart(fetched, { shares: manifest.split, listed: own, listKey: list?.key ?? "" }, seen, tell);
    position += part.records;
  }
}

/** What a part's records are compared with. */
interface Expected {
  shares: DatasetVersion["split"];
  /** Ids of its records; null when the list cannot be read. */
  listed: Buffer | null;
  listKey: string;
}

async function verifyPart(fetched: FetchedPart, expected: Expected, seen: IdSet, tell: Tell): Promise<number> {
  const { part } = fetched;
  const { listed } = expected;
  let line = 0;
  try {
    for await (const record of fetched.records()) {
      const at = `${part.key}#${++line}`;
      const id = Buffer.from(record.id.slice(0, idBytes * 2), "hex");
      if (!seen.add(id)) tell(at, `record ${record.id} is in the dataset before`);
      verifyRecord(record, { split: part.split, source: part.source, shares: expected.shares }, (problem) =>
        tell(at, problem),
      );
      const entry = listed?.subarray((line - 1) * idBytes, line * idBytes);
      if (entry?.length === idBytes && !entry.equals(id)) {
        tell(expected.listKey, `lists ${entry.toString("hex")} for ${at}, whose id is ${record.id}`);
      }
    }
  } catch (error) {
    if (!(error instanceof TypedFailure) || !damage.has(error.type)) throw error;
    // Its records cannot be trusted; that they were there before is still known to later ones.
    if (listed !== null) seen.addAll(listed);
    tell(part.key, error.message.replace(`${part.key}: `, ""));
  }
  return line;
}

/** What says something of the data, and not of the way to it. */
const damage: ReadonlySet<string> = new Set(["CorruptObject", "InvalidData", "NotFound"]);

function verifyRecord(
  record: TrainingRecord,
  part: { split: keyof SplitCounts; source: string; shares: DatasetVersion["split"] },
  tell: (problem: string) => void,
): void {
  const id = hash("sha256", canonicalMessages(record.messages), "hex");
  if (record.id !== id) tell(`its id is ${record.id}, its messages have ${id}`);
  if (record.source !== part.source) tell(`is of source ${record.source} in a part of ${part.source}`);
  const split = splitOf(Number.parseInt(hash("sha256", record.group, "hex").slice(0, 8), 16), part.shares);
  if (split !== part.split) tell(`is in ${part.split}, its group belongs to ${split}`);
}

/** The ids that a version added, as it lists them; null when a list is not there or not the one written. */
async function readIds(store: ObjectStore, { manifest, parent }: Link, tell: Tell): Promise<Buffer | null> {
  const lists: Buffer[] = [];
  for (const { key, records } of manifest.ids.slice(parent?.ids.length ?? 0)) {
    const object = await store.get(key);
    if (object === null) {
      tell(key, "is missing");
      return null;
    }
    const named = objectKeys.versionIds(manifest.dataset, hash("sha256", object.body, "hex"));
    if (named !== key) {
      tell(key, `its bytes are not those written: they would be ${named}`);
      return null;
    }
    if (object.body.length !== records * idBytes)
      tell(key, `has ${object.body.length / idBytes} ids, its manifest says ${records}`);
    lists.push(object.body);
  }
  return Buffer.concat(lists);
}
