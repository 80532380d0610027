/** Questions that a rollout asks a version to see how it does. */
import { cancellationSignal } from "@temporalio/activity";
import type { TestRecord } from "../src/domain/evaluation-schema.ts";
import type { AnsweredPrediction } from "../src/domain/metrics/metric.ts";
import type { Observation } from "../src/domain/rollout-schema.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument } from "./documents.ts";
import { servedEndpoint } from "./arms.ts";
import { vocabularySchema } from "./vocabulary.ts";
import { steadily } from "./weights.ts";

/** An answer that takes longer is none. */
const timeoutMs = 10_000;

type ProbePorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "metrics">;

/** How a version answered one question. */
export type ProbeAnswer = Observation["probes"][number]["challenger"];

/** Asks a version all questions at once, each one time: how often it fails is what is to be found out. */
export async function probeVersion(
  ports: ProbePorts,
  version: { pipeline: string; model: string },
  questions: readonly TestRecord[],
  { quality, policy }: Pick<RollOutInput, "quality" | "policy">,
): Promise<ProbeAnswer[]> {
  const signal = cancellationSignal();
  const served = await steadily(policy, () => servedEndpoint(ports, version));
  const scoreOf = await scorer(ports, quality);
  return Promise.all(
    questions.map(async (question) => {
      const startedMs = performance.now();
      try {
        const { answer, promptTokens, completionTokens } = await ports.endpoint.complete({
          baseUrl: served.baseUrl,
          token: served.token,
          serviceVersion: served.serviceVersion,
          model: served.model,
          messages: question.question,
          temperature: 0,
          maxTokens: null,
          timeoutMs,
          signal,
        });
        const latencyMs = Math.round((performance.now() - startedMs) * 10) / 10;
        const { id, expected } = question;
        const prediction = { id, expected, answer, error: null, latencyMs, promptTokens, completionTokens };
        return { latencyMs, score: scoreOf(question, prediction) };
      } catch {
        signal.throwIfAborted();
        return { latencyMs: null, score: null };
      }
    }),
  );
}

/** What an answer is worth, from 0 to 1; null where that is not measured, or not a number for this question. */
async function scorer(
  { store, metrics }: ProbePorts,
  quality: RollOutInput["quality"],
): Promise<(question: TestRecord, prediction: AnsweredPrediction) => number | null> {
  if (quality === null) return () => null;
  const vocabulary = await needDocument(store, quality.vocabulary, vocabularySchema);
  const packs = await metrics.open(quality.metrics, { vocabulary, prices: null });
  const pack = packs.find((candidate) => candidate.metrics.some(({ name }) => name === quality.metric));
  if (pack === undefined) return () => null;
  return (question, prediction) => {
    const value = pack.score(question, prediction)[quality.metric];
    const score = typeof value === "boolean" ? Number(value) : value;
    return typeof score === "number" && score >= 0 && score <= 1 ? score : null;
  };
}
