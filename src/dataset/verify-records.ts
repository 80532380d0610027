import { hash } from "node:crypto";
import type { DatasetVersion, Part } from "../domain/dataset-version-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import { idBytes } from "../domain/id-set.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { canonicalMessages, splitOf } from "../domain/record.ts";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ObjectStore } from "../ports.ts";
import type { IdLedger } from "./id-ledger.ts";
import { fetchParts, type FetchedPart } from "./parts.ts";
import type { Tell } from "./problems.ts";

/** What says something of the data, and not of the way to it. */
const damage: ReadonlySet<string> = new Set(["CorruptObject", "InvalidData", "NotFound"]);

/**
 * Checks parts of a dataset; yields how many records each of them has, when it has been read. `ledger` has the ids of all
 * parts before, and those of these afterwards.
 */
export async function* verifyParts(
  store: ObjectStore,
  { dataset, split }: DatasetVersion,
  parts: readonly Part[],
  ledger: IdLedger,
  tell: Tell,
): AsyncGenerator<number> {
  for await (const fetched of fetchParts(store, parts)) {
    const { part } = fetched;
    const key = objectKeys.part(dataset, part.sha256);
    if (part.key !== key) tell(part.key, `is not where its hash puts it, ${key}`);
    yield await verifyPart(fetched, split, ledger, tell);
  }
}

async function verifyPart(
  fetched: FetchedPart,
  shares: DatasetVersion["split"],
  ledger: IdLedger,
  tell: Tell,
): Promise<number> {
  const { part } = fetched;
  const ids = Buffer.alloc(part.records * idBytes);
  let lines = 0;
  try {
    for await (const record of fetched.records()) {
      const id = Buffer.from(record.id.slice(0, idBytes * 2), "hex");
      id.copy(ids, lines * idBytes);
      const at = `${part.key}#${++lines}`;
      if (!ledger.see(id)) tell(at, `record ${record.id} is in the dataset already`);
      for (const problem of problemsOf(record, part, shares)) tell(at, problem);
    }
    ledger.append(ids);
  } catch (error) {
    if (!(error instanceof TypedFailure) || !damage.has(error.type)) throw error;
    ledger.skip(part.records);
    tell(part.key, error.message.replace(`${part.key}: `, ""));
  }
  return lines;
}

function* problemsOf(record: TrainingRecord, part: Part, shares: DatasetVersion["split"]): Generator<string> {
  const id = hash("sha256", canonicalMessages(record.messages), "hex");
  if (record.id !== id) yield `its id is ${record.id}, its messages have ${id}`;
  if (record.source !== part.source) yield `is of source ${record.source} in a part of ${part.source}`;
  const split = splitOf(Number.parseInt(hash("sha256", record.group, "hex").slice(0, 8), 16), shares);
  if (split !== part.split) yield `is in ${part.split}, its group belongs to ${split}`;
}

/**
 * Checks the lists of ids that a version names against what was read of its parts. Versions share lists: `checked` has
 * those that need no second look.
 */
export async function verifyIdLists(
  store: ObjectStore,
  { dataset, version, ids }: DatasetVersion,
  { ledger, checked }: { ledger: IdLedger; checked: Set<string> },
  tell: Tell,
): Promise<void> {
  let start = 0;
  for (const { key, records } of ids) {
    if (!checked.has(`${start} ${key}`)) await verifyIdList(store, { dataset, key, records, start }, ledger, tell);
    checked.add(`${start} ${key}`);
    start += records;
  }
  if (start !== ledger.records) {
    tell(
      objectKeys.version(dataset, version),
      `its ids are those of ${start} records, its parts have ${ledger.records}`,
    );
  }
}

async function verifyIdList(
  store: ObjectStore,
  { dataset, key, records, start }: { dataset: string; key: string; records: number; start: number },
  ledger: IdLedger,
  tell: Tell,
): Promise<void> {
  const object = await store.get(key);
  if (object === null) return tell(key, "is missing");
  const { body } = object;
  const named = objectKeys.versionIds(dataset, hash("sha256", body, "hex"));
  if (named !== key) return tell(key, `is not what was written: its bytes would be ${named}`);
  if (body.length !== records * idBytes) tell(key, `has ${body.length / idBytes} ids, the manifest says ${records}`);
  const difference = ledger.firstDifference(body, start);
  if (difference === null) return;
  const { record, listed, is } = difference;
  tell(key, `lists ${listed} for record ${record + 1} of the dataset, whose id begins with ${is}`);
}
