import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import type { Prediction } from "../src/domain/evaluation-schema.ts";
import type { MetricChoice } from "../src/domain/evaluate-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import type { Judged, Judgement } from "../src/domain/judgement-schema.ts";
import { holdsToken, judgePromptVersion } from "../src/domain/metrics/judge-prompt.ts";
import {
  countReplies,
  pairwiseRequests,
  pointwiseRequests,
  toleratedFailures,
  tokenOf,
  type JudgeRequest,
} from "../src/domain/metrics/judgements.ts";
import type { JudgeSettings } from "../src/domain/metrics/metric.ts";
import type { Ports } from "../src/ports.ts";
import { answeredQuestions, type AnsweredQuestion } from "./arm-answers.ts";
import type { JudgeAnswersRequest, JudgingActivities } from "./comparison-interfaces.ts";
import { JudgementShard, shardRecords, type JudgementPlace } from "./judgement-shard.ts";
import { predictionsOf } from "./predictions.ts";
import { askQuestion, type Asking } from "./questions.ts";
import { RequestGate } from "./request-gate.ts";

/** Requests that fail before a judgement counts as failed. */
const tries = 3;
/** The attempt that leaves what has no reply to those who look at the numbers. */
const lastAttempt = 5;
/** Tokens of a verdict with two sentences of reasons, with room for a judge that is wordy. */
const longestVerdict = 1000;
/** Characters of a reply; what is longer cannot be read. */
const longestReply = 10_000;

type JudgingPorts = Pick<Ports, "store" | "endpoint" | "metrics" | "secret">;

export function createJudgingActivities(ports: JudgingPorts): JudgingActivities {
  return {
    async judgeAnswers(request) {
      const judge = await judgeOf(ports, request.choice);
      const modes = [
        ...(judge.pointwise ? [null] : []),
        ...(judge.pairwise && request.against ? [request.against] : []),
      ];
      const judged: Judged[] = [];
      for (const against of modes) judged.push(await judgeAll(ports, judge, { ...request, against }));
      return { judged };
    },
  };
}

async function judgeOf({ metrics }: JudgingPorts, choice: MetricChoice): Promise<JudgeSettings> {
  const context = { vocabulary: { functions: [], attributeTypes: [] }, prices: null };
  const judge = (await metrics.open([choice], context)).find((pack) => pack.judge !== undefined)?.judge;
  if (judge === undefined) throw new TypedFailure("InvalidInput", `metric pack ${choice.pack} has no judge`);
  return judge;
}

/** Requests about the answers to one question, with their hashes. */
type Work = { id: string; hash: string; request: JudgeRequest };

async function judgeAll(
  ports: JudgingPorts,
  judge: JudgeSettings,
  { testSet, evaluation, against }: JudgeAnswersRequest,
): Promise<Judged> {
  const asking = askingOf(ports, judge);
  const name = judgeName(judge, against?.key ?? null);
  const arms = [evaluation, ...(against === null ? [] : [against])].map((arm) => predictionsOf(ports.store, arm));
  const counts = { asked: 0, failed: 0, shards: 0 };
  const beat = setInterval(() => heartbeat({ ...counts }), 1000);
  const next = async (works: readonly Work[]): Promise<void> => {
    const place = { evaluation: evaluation.key, judge: name, shard: counts.shards++ };
    const judgements = await judgeShard(ports, asking, place, works);
    const { asked, failed } = countReplies(judgements);
    counts.asked += asked;
    counts.failed += failed;
  };
  try {
    let records = 0;
    let works: Work[] = [];
    for await (const answered of answeredQuestions(ports.store, testSet, arms)) {
      works.push(...worksOf(judge, answered, against !== null));
      if (++records % shardRecords !== 0) continue;
      await next(works);
      works = [];
    }
    if (records % shardRecords !== 0 || records === 0) await next(works);
  } finally {
    clearInterval(beat);
  }
  return { judge: name, evaluation: evaluation.key, against: against?.key ?? null, ...counts };
}

function askingOf({ endpoint, secret }: JudgingPorts, judge: JudgeSettings): Asking {
  const { url, model, tokenSecret } = judge.endpoint;
  const signal = cancellationSignal();
  return {
    endpoint,
    asked: { baseUrl: url, token: tokenSecret === null ? null : secret(tokenSecret), serviceVersion: null, model },
    gate: new RequestGate({ concurrency: judge.concurrency, requestsPerSecond: null }, signal),
    temperature: 0,
    maxTokens: longestVerdict,
    timeoutMs: judge.timeoutSeconds * 1000,
    tries,
    signal,
  };
}

/** Equal for the same judge by the same words about the same pair of models. */
function judgeName({ endpoint, rubric, reference }: JudgeSettings, against: string | null): string {
  const { url, model } = endpoint;
  return sha256([judgePromptVersion, url, model, rubric, reference, against]).slice(0, 16);
}

function worksOf(judge: JudgeSettings, { record, predictions }: AnsweredQuestion, isPair: boolean): Work[] {
  const [challenger = null, champion = null] = predictions;
  if (isPair && champion === null) return [];
  const requests = isPair
    ? pairwiseRequests(judge, record, { champion: answerOf(champion), challenger: answerOf(challenger) })
    : pointwiseRequests(judge, record, answerOf(challenger));
  const { url, model } = judge.endpoint;
  return requests.map((request) => {
    // With the record, so that each has a verdict of its own, also where two ask and answer the same.
    const hash = sha256([url, model, judgePromptVersion, record.id, request.messages("")]);
    return { id: record.id, hash, request };
  });
}

function answerOf(prediction: Prediction | null): string | null {
  return prediction?.answer ?? null;
}

/** What the judge replied to all of them, those without a stored reply asked first. */
async function judgeShard(
  { store }: JudgingPorts,
  asking: Asking,
  place: JudgementPlace,
  works: readonly Work[],
): Promise<Judgement[]> {
  const shard = await JudgementShard.open(store, place);
  const open = works.filter(({ hash }) => shard.reply(hash) === null);
  const fresh = new Map<string, Judgement>();
  const left = open.values();
  const lane = async (): Promise<void> => {
    for (const work of left) {
      const judgement = await ask(asking, work);
      fresh.set(work.hash, judgement);
      shard.add(judgement);
    }
  };
  try {
    // The gate lets as many through as the judge's concurrency says.
    await Promise.all(Array.from({ length: Math.min(open.length, shardRecords) }, lane));
  } finally {
    await shard.keep();
  }
  await shard.close(works.map(({ hash }) => hash));
  const all = works.flatMap(({ hash }) => shard.reply(hash) ?? fresh.get(hash) ?? []);
  refuseSilence(all);
  return all;
}

/** Fails the attempt, so that a judge that was down is asked again; the last attempt leaves it to those who count. */
function refuseSilence(judgements: readonly Judgement[]): void {
  const silent = judgements.filter(({ reply }) => reply === null);
  if (silent.length <= toleratedFailures * judgements.length || activityInfo().attempt >= lastAttempt) return;
  const message = `the judge gave no reply to ${silent.length} of ${judgements.length} requests: ${silent[0]?.error ?? ""}`;
  throw new TypedFailure("Unavailable", message, { retryAfterMs: activityInfo().attempt * 10_000 });
}

async function ask(asking: Asking, { id, hash, request }: Work): Promise<Judgement> {
  const { order } = request;
  const token = tokenOf({ hash });
  if (holdsToken(request.texts, token)) {
    const error = "a text holds the token of its marks: it was not shown to the judge";
    return { id, order, hash, reply: null, error, promptTokens: null, completionTokens: null };
  }
  const { answer, error, promptTokens, completionTokens } = await askQuestion(asking, {
    id,
    expected: "",
    messages: request.messages(token),
  });
  return { id, order, hash, reply: answer?.slice(0, longestReply) ?? null, error, promptTokens, completionTokens };
}

function sha256(of: unknown): string {
  return createHash("sha256").update(JSON.stringify(of)).digest("hex");
}
