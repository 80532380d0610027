/** Makes a decision again from what is stored, and says what is not as its record has it. Reads only. */
import { readChosen } from "../../activities/checkpoints.ts";
import { needBody, sha256, weigh } from "../../activities/decision-basis.ts";
import { parseJudgements } from "../../activities/judgement-shard.ts";
import { parsePredictions } from "../../activities/predictions.ts";
import { z } from "zod";
import { approvalRecordSchema } from "../domain/approval-schema.ts";
import {
  decisionRecordSchema,
  type DecidedArm,
  type DecidedJudgement,
  type DecisionRecord,
} from "../domain/decision-record-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import { countReplies } from "../domain/metrics/judgements.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { Ports } from "../ports.ts";
import { differences, type Difference } from "./differences.ts";

/** What a check found out. */
export interface DecisionCheck {
  /** Of the decision. */
  id: string;
  /** sha256 of the record as it lies there; null when it is not there. */
  record: string | null;
  /** Objects whose hashes were looked at. */
  objects: number;
  /** Numbers that were made again, by metric and subset. */
  comparisons: number;
  /** What is not as the record, or the answer to it, has it. Empty when all is equal. */
  differences: Difference[];
  /** Program that decided. */
  code: DecisionRecord["code"] | null;
}

type VerifyPorts = Pick<Ports, "store" | "metrics">;

/** Of a report, what it says of the record it was made of. */
const reportedSchema = z.object({ decision: z.object({ sha256: z.string().optional() }).nullable() });

/**
 * Compares the hash of every object that a decision rests on, counts answers and judges' replies, compares and decides again, and
 * compares every number, the policy's outcome and its reasons with the record. Goes on after a difference. The record
 * itself is held against the hashes of it that its approval and its report have.
 *
 * @param onProgress hears the key of each object that is looked at
 */
export async function verifyDecision(
  ports: VerifyPorts,
  id: string,
  onProgress: (key: string) => void = () => {},
): Promise<DecisionCheck> {
  const { store } = ports;
  const key = objectKeys.decision(id);
  const check: DecisionCheck = { id, record: null, objects: 0, comparisons: 0, differences: [], code: null };
  const differ = (at: string, recorded: unknown, found: unknown): void => {
    check.differences.push({ at, recorded: shown(recorded), found: shown(found) });
  };
  const object = await store.get(key);
  if (object === null) {
    differ(key, "a record", "missing");
    return check;
  }
  check.record = sha256(object.body);
  await checkWitnesses(ports, id, check.record, differ);
  const record = parseRecord(object.body);
  if (record === null) {
    differ(key, "a record", "not what a record looks like");
    return check;
  }
  check.code = record.code;
  if (record.cycle !== id) differ("cycle", record.cycle, id);
  for (const { key, sha256: recorded } of objectsOf(record)) {
    onProgress(key);
    check.objects++;
    const found = await store.get(key);
    if (found === null) differ(key, `sha256 ${recorded}`, "missing");
    else if (sha256(found.body) !== recorded) differ(key, `sha256 ${recorded}`, `sha256 ${sha256(found.body)}`);
  }
  await remake(ports, record, check);
  return check;
}

type Differ = (at: string, recorded: unknown, found: unknown) => void;

/** Whoever approved, and whoever was reported to, saw a record with a hash: there is no other for this cycle. */
async function checkWitnesses({ store }: VerifyPorts, id: string, found: string, differ: Differ): Promise<void> {
  const read = async <T extends z.ZodType>(key: string, schema: T): Promise<z.infer<T> | null> => {
    const object = await store.get(key);
    if (object === null) return null;
    const parsed = schema.safeParse(jsonOf(object.body));
    if (parsed.success) return parsed.data;
    differ(key, "a document", "not what such a document looks like");
    return null;
  };
  const approval = await read(objectKeys.approval(id), approvalRecordSchema);
  const approved = approval?.decision.sha256 ?? found;
  if (approved !== found)
    differ(`${objectKeys.decision(id)}, by its approval`, `sha256 ${approved}`, `sha256 ${found}`);
  const reported = (await read(objectKeys.reportJson(id), reportedSchema))?.decision?.sha256 ?? found;
  if (reported !== found) differ(`${objectKeys.decision(id)}, by its report`, `sha256 ${reported}`, `sha256 ${found}`);
}

/** Everything that a record names with a hash. */
function objectsOf({ testSet, arms, judgements, vocabulary }: DecisionRecord): { key: string; sha256: string }[] {
  const ofArms = arms.flatMap(({ manifest, checkpoint, predictions }) => [
    ...[manifest, checkpoint].filter((object) => object !== null),
    ...predictions,
  ]);
  const all = [testSet, vocabulary, ...ofArms, ...judgements.flatMap(({ replies }) => replies)];
  return [...new Map(all.map((object) => [object.key, object])).values()];
}

/** Counts, scores, compares and decides again. What keeps it from being done is a difference too. */
async function remake(ports: VerifyPorts, record: DecisionRecord, check: DecisionCheck): Promise<void> {
  const { arms, judgements, comparisons, decision, ...rest } = record;
  try {
    const counted: DecidedArm[] = [];
    for (const arm of arms) {
      const checkpoint = await chosenAgain(ports, record.pipeline, arm);
      counted.push({ ...arm, answers: await countAgain(ports, arm), checkpoint });
    }
    const judged: DecidedJudgement[] = [];
    for (const one of judgements) judged.push({ ...one, ...(await countJudgedAgain(ports, one)) });
    const again = await weigh(ports, { ...rest, arms: counted, judgements: judged });
    check.comparisons = again.comparisons.length;
    check.differences.push(
      ...differences("answers", arms.map(countedOf), counted.map(countedOf)),
      ...differences("judgements", judgements.map(judgedOf), judged.map(judgedOf)),
      ...differences("comparisons", comparisons, again.comparisons),
      ...differences("decision", decision, again.decision),
    );
  } catch (error) {
    if (!(error instanceof TypedFailure)) throw error;
    check.differences.push({
      at: "the decision",
      recorded: decision.outcome,
      found: `cannot be made again: ${error.message}`,
    });
  }
}

async function countAgain(
  { store }: VerifyPorts,
  { evaluation, predictions, answers }: DecidedArm,
): Promise<DecidedArm["answers"]> {
  // A model that could not be asked has no answers to count.
  if (evaluation === null) return answers;
  const counts = { asked: 0, failed: 0 };
  for (const { key } of predictions) {
    for (const { answer } of parsePredictions(key, await needBody(store, key))) {
      counts.asked++;
      if (answer === null) counts.failed++;
    }
  }
  return counts;
}

/** What was chosen, by the objects that lie there. */
async function chosenAgain(
  { store }: VerifyPorts,
  pipeline: string,
  { model, checkpoint }: DecidedArm,
): Promise<DecidedArm["checkpoint"]> {
  const chosen = checkpoint && (await readChosen(store, { pipeline, model }));
  return checkpoint && chosen && { ...checkpoint, chosen };
}

async function countJudgedAgain(
  { store }: VerifyPorts,
  { replies }: DecidedJudgement,
): Promise<Pick<DecidedJudgement, "shards" | "asked" | "failed">> {
  const counts = { shards: replies.length, asked: 0, failed: 0 };
  for (const { key } of replies) {
    const { asked, failed } = countReplies(parseJudgements(key, (await needBody(store, key)).toString("utf8")));
    counts.asked += asked;
    counts.failed += failed;
  }
  return counts;
}

function countedOf({ name, answers, checkpoint }: DecidedArm): object {
  return { name, answers, checkpoint: checkpoint?.chosen };
}

function judgedOf({ shards, asked, failed }: DecidedJudgement): object {
  return { shards, asked, failed };
}

function parseRecord(body: Buffer): DecisionRecord | null {
  const parsed = decisionRecordSchema.safeParse(jsonOf(body));
  return parsed.success ? parsed.data : null;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
