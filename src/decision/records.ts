/** The decisions that lie in a bucket. Reads only. */
import { readDocument } from "../../activities/documents.ts";
import { approvalRecordSchema, type ApprovalRecord } from "../domain/approval-schema.ts";
import { decisionRecordSchema, type DecisionRecord } from "../domain/decision-record-schema.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";

/** A decision and the answer that it has had, if any. */
export interface StoredDecision {
  record: DecisionRecord;
  approval: ApprovalRecord | null;
}

/** A decision that cannot be read, and why. */
export interface UnreadableDecision {
  id: string;
  problem: string;
}

const suffix = ".json";
const approvalSuffix = ".approval.json";

/** A decision by its id, which is its cycle's, such as `games-12`; null when there is none. Throws InvalidData. */
export async function readDecision(store: ObjectStore, id: string): Promise<StoredDecision | null> {
  const record = await readDocument(store, objectKeys.decision(id), decisionRecordSchema);
  if (record === null) return null;
  const approval = await readDocument(store, objectKeys.approval(id), approvalRecordSchema);
  return { record: record.value, approval: approval?.value ?? null };
}

/** Ids of the decisions of one pipeline, or of all, in the order of their keys. */
export async function* decisionIds(store: ObjectStore, pipeline: string | null): AsyncGenerator<string> {
  const prefix = objectKeys.decisions;
  for await (const { key } of store.list(pipeline === null ? prefix : `${prefix}${pipeline}-`)) {
    if (!key.endsWith(suffix) || key.endsWith(approvalSuffix)) continue;
    const id = key.slice(prefix.length, -suffix.length);
    if (pipeline === null || pipelineOf(id) === pipeline) yield id;
  }
}

/** The decisions of one pipeline, or of all, the newest first; of those that cannot be read, why. */
export async function listDecisions(
  store: ObjectStore,
  pipeline: string | null,
): Promise<{ decisions: StoredDecision[]; unreadable: UnreadableDecision[] }> {
  const decisions: StoredDecision[] = [];
  const unreadable: UnreadableDecision[] = [];
  for await (const id of decisionIds(store, pipeline)) {
    try {
      const decision = await readDecision(store, id);
      if (decision !== null) decisions.push(decision);
    } catch (error) {
      unreadable.push({ id, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  const at = ({ record }: StoredDecision): string => new Date(record.decidedAt).toISOString();
  return { decisions: decisions.toSorted((a, b) => (at(a) > at(b) ? -1 : 1)), unreadable };
}

/** The pipeline whose cycle a decision has the name of: `games` of `games-12.2`. */
export function pipelineOf(id: string): string {
  return id.replace(/-\d+(\.\d+)?$/, "");
}
