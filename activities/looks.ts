/** What one look at a rollout sees, and what its gates say of everything seen so far. */
import { createHash } from "node:crypto";
import { cancellationSignal, log } from "@temporalio/activity";
import type { TestRecord } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { judgeGates, worstOf } from "../src/domain/gates.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Looks } from "../src/domain/looks-schema.ts";
import { feedbackSchema, type Feedback, type GateVerdict, type Observation } from "../src/domain/rollout-schema.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { addLook, LookReader, readLooks } from "./look-record.ts";
import type { LookRequest, LookResult } from "./rollout-interfaces.ts";
import { probeVersion, type ProbeAnswer } from "./probes.ts";
import { readQuestions } from "./questions.ts";
import { waitedMs } from "./waiting.ts";
import { observeShare, steadily } from "./weights.ts";

/** Questions of a look: few, since each costs the users' service time. */
const questionsPerLook = 8;
/** Objects of feedback that one look reads; the next goes on after them. */
const mostFeedbackObjects = 200;

type LookPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "gates" | "metrics">;

/** Looks of which a gate of one's own is shown the newest. */
const looksOfOwnGate = 1000;

/**
 * Makes the activity that looks once: reads the weights back, asks both versions the same questions at the same time, reads
 * what users have said since the look before, and judges all of it together with the earlier looks. Answers when the verdict
 * is news at once, or `newsMs` are over; else fails as StillWaiting until the next look.
 */
export function createLook(ports: LookPorts): (request: LookRequest) => Promise<LookResult> {
  const reader = new LookReader(ports.store);
  return async (request) => {
    const { pipeline, model, policy, wait } = request;
    const probeMs = policy.probeSeconds * 1000;
    const goneMs = waitedMs();
    if (goneMs < request.restMs) throw waits("the next look", request.restMs - goneMs);
    const share = (): Promise<{ percent: number; state: string }> =>
      steadily(policy, async () => observeShare(await ports.compute.getService(serviceName(pipeline)), request));
    const { percent, state } = await share();
    if (state === "unknown") log.warn("the service shows a state that is not known", { pipeline, model });
    const before = await readLooks(ports.store, request);
    const observation = await observe(ports, { ...request, percent }, before.looks);
    // A version that somebody else has just replaced does not answer either, and that is not its fault.
    if (observation.probes.some(({ challenger }) => challenger.latencyMs === null)) await share();
    // An order has made an end of this wait: what was seen belongs to no other.
    cancellationSignal().throwIfAborted();
    const looks = await addLook(ports.store, request, before, { observation, wait, rules: policy });
    const gates = [...judgeGates(looks.evidence, policy), ...(await judgeOwn(ports, reader, request, looks))];
    const { verdict } = worstOf(gates);
    const leftMs = request.newsMs - goneMs;
    const isThere = request.percent === null && percent === 100;
    if (request.atOnce.includes(verdict) || leftMs <= 0 || isThere)
      return { percent, verdict, gates, looks: looks.counts[wait] ?? 0 };
    throw waits(`news, the gates say ${verdict}`, Math.min(leftMs, probeMs));
  };
}

function waits(forWhat: string, delayMs: number): TypedFailure {
  return new TypedFailure("StillWaiting", `waiting for ${forWhat}`, { retryAfterMs: Math.max(1, Math.ceil(delayMs)) });
}

async function judgeOwn(
  { gates }: LookPorts,
  reader: LookReader,
  request: LookRequest,
  looks: Looks,
): Promise<GateVerdict[]> {
  const { own } = request.policy.gates;
  return own.length === 0 ? [] : gates.judge(own, await reader.newest(request, looks, looksOfOwnGate));
}

async function observe(
  ports: LookPorts,
  request: LookRequest & { percent: number },
  before: Looks,
): Promise<Observation> {
  const { pipeline, model, champion, percent } = request;
  const questions = await questionsOfLook(ports.store, request, total(before));
  const ask = (version: string): Promise<ProbeAnswer[]> =>
    probeVersion(ports, { pipeline, model: version }, questions, request);
  const [challenging, defending] = await Promise.all([
    ask(model),
    champion === null || champion === model ? null : ask(champion),
  ]);
  return {
    at: new Date().toISOString(),
    challengerPercent: percent,
    probes: challenging.map((challenger, index) => ({
      id: questions[index]?.id ?? "",
      challenger,
      champion: defending?.[index] ?? null,
    })),
    ...(await readFeedback(ports.store, request, before.newest.at(-1)?.feedbackUpTo ?? null)),
  };
}

/**
 * The next questions of what decided at each look, without those of old skills. In an order drawn anew for each rollout and
 * each pass over all of them: a file that is sorted by topic would show the gates one topic after the other.
 */
async function questionsOfLook(
  store: ObjectStore,
  { testSet, runId }: Pick<LookRequest, "testSet" | "runId">,
  look: number,
): Promise<TestRecord[]> {
  const all = (await readQuestions(store, testSet)).filter(({ set }) => set === "test");
  const asked = look * questionsPerLook;
  const pass = Math.floor(asked / all.length);
  const from = asked % all.length;
  const rest = inOrderOf(all, `${runId}/${pass}`).slice(from, from + questionsPerLook);
  const next = inOrderOf(all, `${runId}/${pass + 1}`).slice(0, questionsPerLook - rest.length);
  return [...rest, ...next];
}

function inOrderOf(questions: readonly TestRecord[], draw: string): TestRecord[] {
  const place = (id: string): string => createHash("sha256").update(`${draw}/${id}`).digest("hex");
  return questions
    .map((question) => ({ question, at: place(question.id) }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ question }) => question);
}

function total({ counts }: Looks): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** What users said of both versions after `upTo`, at first since the rollout began: objects are named by their time. */
async function readFeedback(
  store: ObjectStore,
  { pipeline, model, champion, startedAt }: LookRequest,
  upTo: string | null,
): Promise<Pick<Observation, "feedback" | "feedbackUpTo">> {
  const prefix = objectKeys.feedback(pipeline);
  const feedback: Observation["feedback"] = { challenger: [], champion: [] };
  let feedbackUpTo = upTo ?? `${prefix}${startedAt}`;
  let objects = 0;
  for await (const { key } of store.list(prefix, { startAfter: feedbackUpTo })) {
    if (++objects > mostFeedbackObjects) break;
    const body = (await store.get(key))?.body.toString("utf8").trimEnd() ?? "";
    for (const said of body.split("\n").map(readOpinion)) {
      if (said?.model === model) feedback.challenger.push(said.score);
      if (said?.model === champion) feedback.champion.push(said.score);
    }
    feedbackUpTo = key;
  }
  return { feedback, feedbackUpTo };
}

/** A line that is none says nothing; it is no reason to take a model from its users. */
function readOpinion(line: string): Feedback | null {
  try {
    return feedbackSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
