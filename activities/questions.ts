import { setTimeout as delay } from "node:timers/promises";
import { testRecordSchema, type Prediction, type TestRecord, type TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ModelEndpoint, ObjectStore, Ports } from "../src/ports.ts";
import { readClaim } from "./claims.ts";
import { parseLine } from "./documents.ts";

/** Tries a question gets before its answer counts as failed. */
const attempts = 3;
const requestTimeoutMs = 60_000;

/** Where to ask a model version. The token never leaves activities. */
export interface ServedEndpoint {
  baseUrl: string;
  token: string | null;
  /** The version to be asked, and no other of the service. */
  version: string;
  /** What its requests name as `model`. */
  model: string;
}

/** Finds the pipeline's service, whose URL and token reach every version of it. Throws ServiceFailed when there is none. */
export async function servedEndpoint(
  { compute, store, recipes }: Pick<Ports, "compute" | "store" | "recipes">,
  { pipeline, model }: { pipeline: string; model: string },
): Promise<ServedEndpoint> {
  const service = await compute.getService(serviceName(pipeline));
  if (service === null || service.url === null || service.state === "terminated") {
    throw new TypedFailure("ServiceFailed", `${serviceName(pipeline)} is not up: there is nobody to ask`);
  }
  const recipe = (await readClaim(store, { pipeline, model }))?.recipe;
  const rendered = recipe && (await recipes.renderService(recipe, store.uri(objectKeys.model(pipeline, model))));
  return { baseUrl: service.url, token: service.token, version: model, model: rendered?.modelName ?? model };
}

/**
 * Records `from` to `to` (exclusive) of a test set. Throws CorruptObject when it is not the one that was frozen,
 * InvalidInput when it has another number of records than is said of it, InvalidData naming the line that is no question.
 */
export async function readQuestions(
  store: ObjectStore,
  testSet: TestSet,
  from = 0,
  to = testSet.records,
): Promise<TestRecord[]> {
  const object = await store.get(testSet.key, { sha256: testSet.sha256 });
  if (object === null) throw new TypedFailure("NotFound", `${store.uri(testSet.key)}: the frozen test set is gone`);
  const lines = object.body.toString("utf8").trimEnd().split("\n");
  if (lines.length !== testSet.records) {
    throw new TypedFailure(
      "InvalidInput",
      `testSet.records: ${testSet.key} has ${lines.length}, not ${testSet.records}`,
    );
  }
  return lines
    .slice(from, to)
    .map((line, index) => parseLine(testRecordSchema, line, { key: testSet.key, number: from + index + 1 }));
}

/** Asks one question, again after a pause when that fails; an answer that never comes is a failed one, not an error. */
export async function askModel(
  endpoint: ModelEndpoint,
  served: ServedEndpoint,
  question: TestRecord,
  options: { temperature: number; signal: AbortSignal },
): Promise<Prediction> {
  const { id, expected } = question;
  let error = "";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const startedMs = performance.now();
    try {
      const completion = await endpoint.complete({
        baseUrl: served.baseUrl,
        token: served.token,
        serviceVersion: served.version,
        model: served.model,
        messages: question.question,
        temperature: options.temperature,
        maxTokens: null,
        timeoutMs: requestTimeoutMs,
        signal: options.signal,
      });
      return { id, expected, ...completion, error: null, latencyMs: Math.round(performance.now() - startedMs) };
    } catch (failure) {
      options.signal.throwIfAborted();
      error = failure instanceof Error ? failure.message : String(failure);
      if (attempt < attempts) await delay(100 * 4 ** attempt, undefined, { signal: options.signal });
    }
  }
  const none = { answer: null, latencyMs: 0, promptTokens: null, completionTokens: null };
  return { id, expected, ...none, error: error.slice(0, 300) };
}
