/** Decisions as people name them: `games-12`, or `games` for the newest of a pipeline. */
import { decisionIds, listDecisions, pipelineOf, readDecision, type StoredDecision } from "../decision/records.ts";
import { nearNames } from "../domain/near-names.ts";
import type { ObjectStore } from "../ports.ts";
import { UsageError } from "./usage-error.ts";

/** Throws UsageError for what can be neither a decision's id nor a pipeline's name. */
export function checkReference(text: string): string {
  if (/^[a-z0-9-]{1,60}(\.\d+)?$/.test(text)) return text;
  throw new UsageError(`${text}: must be a decision such as games-12, or the name of a pipeline for its newest`);
}

/** The id of the decision that is meant, whether or not it can be read. Throws an error that says which there are. */
export async function findDecisionId(store: ObjectStore, reference: string): Promise<string> {
  const ids: string[] = [];
  for await (const id of decisionIds(store, null)) {
    if (id === reference) return id;
    ids.push(id);
  }
  const { decisions, unreadable } = await listDecisions(store, reference);
  const newest = decisions[0]?.record.cycle ?? unreadable[0]?.id;
  if (newest !== undefined) return newest;
  throw new Error(unknownDecision(store, reference, ids));
}

/** The decision that is meant. Throws like {@link findDecisionId}, and InvalidData for one that is damaged. */
export async function findDecision(store: ObjectStore, reference: string): Promise<StoredDecision> {
  const id = await findDecisionId(store, reference);
  const found = await readDecision(store, id);
  if (found === null) throw new Error(`the decision ${id} was there a moment ago and is gone`);
  return found;
}

function unknownDecision(store: ObjectStore, reference: string, ids: readonly string[]): string {
  const there = `there is no decision ${reference} in ${store.uri("")}`;
  if (ids.length === 0) return `${there}, nor any other: a cycle that gets so far makes one`;
  const near = nearNames(reference, [...new Set([...ids, ...ids.map(pipelineOf)])]);
  return `${there}: ${near.length > 0 ? `did you mean ${near.join(" or ")}?` : "tuneloop decision list shows those there are"}`;
}
