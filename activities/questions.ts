import { setTimeout as delay } from "node:timers/promises";
import { testRecordSchema, type Prediction, type TestRecord, type TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { textLines } from "../src/domain/lines.ts";
import type { Message } from "../src/domain/record-schema.ts";
import type { Completion, ModelEndpoint, ObjectStore } from "../src/ports.ts";
import type { AskedEndpoint } from "./arms.ts";
import { parseLine } from "./documents.ts";
import { RequestGate } from "./request-gate.ts";

/** How long a question waits, in milliseconds, at an endpoint that answers nothing but that it is asked too often. */
const patienceMs = 10 * 60_000;
/** The usual pause after the first failure, in milliseconds; each later one is twice as long. */
const usualPauseMs = 250;
const longestPauseMs = 30_000;
const longestReason = 300;

/** How models are asked. */
export interface Sampling {
  temperature: number;
  /** Longest answer in tokens; null leaves it to the endpoint. */
  maxTokens: number | null;
  /** Of one request, in milliseconds. */
  timeoutMs: number;
}

/** Who is asked, how, and how often. */
export interface Asking extends Sampling {
  endpoint: ModelEndpoint;
  asked: AskedEndpoint;
  gate: RequestGate;
  /** Requests for one question that end in a failure of the endpoint, before its answer counts as failed. */
  tries: number;
  /** The pause after the first failure, in milliseconds, which each further one doubles; default 250. */
  firstPauseMs?: number;
  signal: AbortSignal;
}

/** One question, as it is sent. */
export type Question = Pick<TestRecord, "id" | "expected"> & { messages: readonly Message[] };

/**
 * Asks one question, again after a pause when a request fails and that may pass. An answer that never comes is a failed
 * one, with the reason of the last request, and no error. Throws the signal's reason.
 */
export async function askQuestion(asking: Asking, { id, expected, messages }: Question): Promise<Prediction> {
  const { gate, tries, firstPauseMs = usualPauseMs, signal } = asking;
  const patientUntilMs = performance.now() + patienceMs;
  let pauses = 0;
  for (let broken = 0; ;) {
    await gate.enter();
    const startedMs = performance.now();
    const reply = await request(asking, messages);
    const latencyMs = Math.round(performance.now() - startedMs);
    gate.leave({ answered: reply.ok });
    if (reply.ok) return { id, expected, ...reply.completion, error: null, latencyMs };
    signal.throwIfAborted();

    const { type, message, retryAfterMs } = reply.failure;
    const kind = failureKind(type);
    if (type !== "RateLimited") broken++;
    const isOver = type === "RateLimited" ? performance.now() > patientUntilMs : broken >= tries;
    if (kind !== "unavailable" || isOver) return unanswered({ id, expected }, kind, message);
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** pauses++) * (0.5 + Math.random() / 2);
    // Nobody waits longer than for a question's end, whatever an endpoint asks for.
    if (type === "RateLimited" || retryAfterMs !== null) gate.pause(Math.min(retryAfterMs ?? pauseMs, patienceMs));
    if (type !== "RateLimited") await delay(pauseMs, undefined, { signal });
  }
}

/** A question without an answer, and why. */
export function unanswered(
  { id, expected }: Pick<TestRecord, "id" | "expected">,
  failure: NonNullable<Prediction["failure"]>,
  reason: string,
): Prediction {
  const nothing = { answer: null, latencyMs: 0, promptTokens: null, completionTokens: null };
  return { id, expected, ...nothing, error: reason.slice(0, longestReason), failure };
}

type Reply = { ok: true; completion: Completion } | { ok: false; failure: TypedFailure };

async function request({ endpoint, asked, signal, ...sampling }: Asking, messages: readonly Message[]): Promise<Reply> {
  const { temperature, maxTokens, timeoutMs } = sampling;
  try {
    const completion = await endpoint.complete({
      ...asked,
      messages: [...messages],
      temperature,
      maxTokens,
      timeoutMs,
      signal,
    });
    return { ok: true, completion };
  } catch (error) {
    if (error instanceof TypedFailure) return { ok: false, failure: error };
    // What an adapter does not know may say anything.
    return { ok: false, failure: new TypedFailure("Unavailable", "the model endpoint failed", { cause: error }) };
  }
}

function failureKind(type: TypedFailure["type"]): NonNullable<Prediction["failure"]> {
  if (type === "InvalidData") return "unusable";
  return type === "Refused" || type === "NotFound" || type === "InvalidInput" ? "refused" : "unavailable";
}

/** Asks one question that nobody keeps the answer of, with a few tries in little time. */
export async function askModel(
  endpoint: ModelEndpoint,
  asked: AskedEndpoint,
  { id, expected, question }: TestRecord,
  { temperature, signal }: { temperature: number; signal: AbortSignal },
): Promise<Prediction> {
  const gate = new RequestGate({ concurrency: 1, requestsPerSecond: null }, signal);
  const sampling = { temperature, maxTokens: null, timeoutMs: 60_000 };
  return askQuestion({ endpoint, asked, gate, tries: 3, signal, ...sampling }, { id, expected, messages: question });
}

/**
 * The records of a test set, one by one, in the memory of one. Throws InvalidData naming the line that is no question, and
 * at the end CorruptObject when it is not the one that was frozen, InvalidInput when it has another number of records than
 * is said of it.
 */
export async function* questionsOf(store: ObjectStore, testSet: TestSet): AsyncGenerator<TestRecord> {
  const { key, records } = testSet;
  let number = 0;
  let wrong: unknown = null;
  for await (const line of textLines(await openTestSet(store, testSet))) {
    number++;
    // What is wrong with a line matters only where the bytes are those that were frozen, which their end tells.
    if (wrong !== null) continue;
    let record: TestRecord;
    try {
      record = parseLine(testRecordSchema, line, { key, number });
    } catch (error) {
      wrong = error;
      continue;
    }
    yield record;
  }
  if (wrong !== null) throw wrong;
  if (number !== records)
    throw new TypedFailure("InvalidInput", `testSet.records: ${key} has ${number}, not ${records}`);
}

async function openTestSet(store: ObjectStore, { key, sha256 }: TestSet): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await store.stream(key, { sha256 });
  } catch (error) {
    if (!(error instanceof TypedFailure) || error.type !== "NotFound") throw error;
    throw new TypedFailure("NotFound", `${store.uri(key)}: the frozen test set is gone`, { cause: error });
  }
}

/** Records `from` to `to` (exclusive) of a test set, all of which is read and checked. Throws like {@link questionsOf}. */
export async function readQuestions(
  store: ObjectStore,
  testSet: TestSet,
  from = 0,
  to = testSet.records,
): Promise<TestRecord[]> {
  const records: TestRecord[] = [];
  let index = 0;
  for await (const record of questionsOf(store, testSet)) {
    if (index >= from && index < to) records.push(record);
    index++;
  }
  return records;
}
