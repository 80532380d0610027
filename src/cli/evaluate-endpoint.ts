/** Asks an endpoint from this process, without Temporal or storage. */
import { askAll, type OpenQuestion } from "../../activities/asking.ts";
import { AskingWatch } from "../../activities/asking-watch.ts";
import { RequestGate } from "../../activities/request-gate.ts";
import { createHttpModelEndpoint } from "../adapters/http-model-endpoint.ts";
import { startScoring, type Scorer } from "../domain/evaluation.ts";
import type { EvaluatePolicy } from "../domain/evaluate-schema.ts";
import type { AskingProgress, Prediction } from "../domain/evaluation-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import { measureAlone } from "../domain/measure.ts";
import { learnVocabulary } from "../domain/metrics/functional-representation.ts";
import type { MetricCatalog } from "../ports.ts";
import { openPacks } from "./evaluation-packs.ts";
import type { EvaluationFound } from "./evaluation-report.ts";
import { Tally } from "./prediction-tally.ts";
import { testFileQuestions } from "./test-file.ts";

/** Requests for one question that fail, before its answer counts as failed. */
const tries = 5;
const progressMs = 100;

/** Whom to ask what. */
export interface EndpointRequest {
  url: string;
  /** What requests name as `model`. */
  model: string;
  token: string | null;
  /** Chat-format JSONL file. */
  test: string;
  evaluate: EvaluatePolicy;
  metrics: MetricCatalog;
}

/**
 * Asks an endpoint all questions of a file and measures the answers. Throws UsageError for what is wrong with file, packs or
 * token, and an error with the reason when the endpoint answers nobody.
 */
export async function evaluateEndpoint(
  request: EndpointRequest,
  show: (progress: AskingProgress) => void,
): Promise<EvaluationFound> {
  const { url, model, token, test, evaluate, metrics } = request;
  const expected: string[] = [];
  for await (const record of testFileQuestions(test)) expected.push(record.expected);
  // Without training data, the names that the expected answers use are the known ones.
  const packs = await openPacks(metrics, evaluate, { expected, vocabulary: learnVocabulary(expected) });
  const scorer = startScoring({ packs, slices: evaluate.slices });
  const watch = new AskingWatch(model, expected.length);
  const tally = new Tally();
  const { signal } = new AbortController();
  const lanes = Math.min(evaluate.concurrency, expected.length);
  const startedMs = performance.now();
  const timer = setInterval(() => show(watch.progress()), progressMs);
  try {
    await askAll(questions(test, scorer, tally), {
      endpoint: createHttpModelEndpoint(),
      asked: { baseUrl: url, token, serviceVersion: null, model },
      gate: new RequestGate({ concurrency: lanes, requestsPerSecond: evaluate.requestsPerSecond }, signal),
      temperature: evaluate.temperature,
      maxTokens: evaluate.maxTokens,
      timeoutMs: evaluate.timeoutSeconds * 1000,
      examples: [],
      tries,
      signal,
      lanes,
      watch,
    });
    watch.assertAnswers();
  } catch (error) {
    throw error instanceof TypedFailure ? new Error(error.message, { cause: error }) : error;
  } finally {
    clearInterval(timer);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { model, url, ...tally.found(), seconds, ...measureAlone(scorer.scored(), packs) };
}

/** Answers are scored as they come and not kept. */
async function* questions(test: string, scorer: Scorer, tally: Tally): AsyncGenerator<OpenQuestion> {
  for await (const record of testFileQuestions(test)) {
    const keep = async (prediction: Prediction): Promise<void> => {
      tally.add(prediction);
      scorer.add(record, prediction);
    };
    yield { record, keep };
  }
}
