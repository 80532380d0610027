/** What an activity of a worker does when it asks a model: real storage, real HTTP. */
import { createHash } from "node:crypto";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { createEvaluationActivities } from "../../activities/evaluations.ts";
import type { AskedQuestions } from "../../activities/comparison-interfaces.ts";
import { createHttpModelEndpoint } from "../../src/adapters/http-model-endpoint.ts";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import type { TestRecord, TestSet } from "../../src/domain/evaluation-schema.ts";
import { evaluateModelInputSchema } from "../../src/domain/workflow-input-schema.ts";

/** One evaluation of an endpoint. */
export interface EvaluationRequest {
  url: string;
  /** Another one is asked everything anew. */
  model: string;
  testSet: TestSet;
  concurrency: number;
}

/** The bucket of the benchmark's own S3 server, which the environment names. */
export function benchStore(): S3ObjectStore {
  const { AWS_ENDPOINT_URL: endpoint = null, AWS_REGION: region = null } = process.env;
  return new S3ObjectStore(createS3Client({ endpoint, region }), "s3://tuneloop/");
}

/** Runs the activity that asks; throws unless every question was answered. */
export async function evaluation({ url, model, testSet, concurrency }: EvaluationRequest): Promise<void> {
  const none = (): never => {
    throw new Error("an endpoint needs none of this");
  };
  const activities = createEvaluationActivities({
    store: benchStore(),
    endpoint: createHttpModelEndpoint(),
    secret: none,
    workflows: { tellAsking: async () => {}, tellProgress: none, outcome: none },
    compute: {
      findJobs: none,
      submitJob: none,
      getJob: none,
      jobCostUsd: none,
      terminateJob: none,
      applyService: none,
      getService: none,
      rollBackService: none,
      terminateService: none,
    },
    recipes: { check: none, renderJob: none, renderService: none },
    metrics: { check: none, resolve: none, open: none, list: none },
  });
  const request = evaluateModelInputSchema.parse({
    pipeline: "bench",
    model: "bench",
    endpoint: { url, model },
    testSet,
    vocabulary: "none",
    evaluate: { concurrency },
  });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR") });
  const { records, failed }: AskedQuestions = await environment.run(() => activities.askQuestions(request));
  if (records !== testSet.records || failed > 0) throw new Error(`${failed} of ${records} questions failed`);
}

/** Freezes a test set of so many questions of about 700 bytes. */
export async function freeze(store: S3ObjectStore, records: number): Promise<TestSet> {
  const system = "Turn the sentence about a game into one function call: function(attribute[value], ...). ".repeat(5);
  const lines = Array.from({ length: records }, (_, index) => {
    const record: TestRecord = {
      id: createHash("sha256").update(`${index}`).digest("hex"),
      set: "test",
      question: [
        { role: "system", content: system },
        { role: "user", content: `${index}: what do players say about this one, is it any good?` },
      ],
      expected: "inform(name[Portal])",
      source: "bench",
      author: null,
      group: `${index}`,
      labels: {},
    };
    return `${JSON.stringify(record)}\n`;
  });
  const body = lines.join("");
  const sha256 = createHash("sha256").update(body).digest("hex");
  const key = `testsets/bench/${sha256}.jsonl`;
  await store.put(key, body);
  return { key, sha256, records };
}
