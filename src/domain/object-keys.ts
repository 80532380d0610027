/** Where everything lies in the bucket, relative to the store's prefix. The layout is public: people read these objects. */
import { paddedVersion } from "./ids.ts";

export const objectKeys = {
  raw: (source: string, batch: string) => `raw/${source}/${batch}.jsonl.gz`,
  /** What one ingest of one source committed: its chunks, counts and cursor. */
  batch: (source: string, batch: string) => `raw/${source}/${batch}.json`,
  /** Some of the chunks of a batch that is being written. */
  batchChunks: (source: string, batch: string) => `raw/${source}/${batch}.chunks`,
  /** 16-byte record ids of a chunk, in the order of its parts. */
  batchIds: (source: string, batch: string) => `raw/${source}/${batch}.ids`,
  /** What a cursor names that is too long for itself: not to be deleted as long as it is named. */
  cursor: (source: string, sha256: string) => `cursors/${source}/${sha256}.bin`,
  /** Above everything of any dataset. */
  datasets: "datasets/",
  part: (dataset: string, sha256: string) => `datasets/${dataset}/parts/${sha256}.jsonl.gz`,
  versionIds: (dataset: string, sha256: string) => `datasets/${dataset}/ids/${sha256}.bin`,
  quarantine: (dataset: string, batch: string) => `datasets/${dataset}/quarantine/${batch}.jsonl`,
  /** Which batches a hundred sources of one update brought. */
  gathered: (dataset: string, sha256: string) => `datasets/${dataset}/gathered/${sha256}.json`,
  versions: (dataset: string) => `datasets/${dataset}/versions/`,
  version: (dataset: string, version: number) => `datasets/${dataset}/versions/${paddedVersion(version)}.json`,
  /** Above all versions of all models. */
  allModels: "models/",
  /** Above all versions of a model. */
  models: (model: string) => `models/${model}/`,
  model: (model: string, version: string) => `models/${model}/${version}/`,
  modelManifest: (model: string, version: string) => `models/${model}/${version}/model.json`,
  /** Which training job a model version belongs to, for good. */
  trainingClaim: (model: string, version: string) => `models/${model}/${version}/claim.json`,
  /** Which of its checkpoints answers for a model version. */
  checkpointChoice: (model: string, version: string) => `models/${model}/${version}/choice.json`,
  jobSpec: (model: string, version: string) => `models/${model}/${version}/spec.json`,
  testSet: (name: string, sha256: string) => `testsets/${name}/${sha256}.jsonl`,
  vocabulary: (dataset: string, version: number) => `datasets/${dataset}/vocabularies/${paddedVersion(version)}.json`,
  predictions: (evaluation: string, shard: number) =>
    `evaluations/${evaluation}/predictions-${String(shard).padStart(4, "0")}.jsonl`,
  /** An object as it was when a decision was made of it, where it can still change. */
  decided: (key: string, sha256: string) => `${key.replace(/\.jsonl$/, "")}-${sha256}.jsonl`,
  /** Training records that a model is shown with each question. */
  examples: (dataset: string, sha256: string) => `datasets/${dataset}/examples/${sha256}.json`,
  /** What a judge replied about the answers of a shard. */
  judgements: (evaluation: string, judge: string, shard: number) =>
    `evaluations/${evaluation}/judge-${judge}-${String(shard).padStart(4, "0")}.jsonl`,
  /** Above the decisions of all pipelines. */
  decisions: "decisions/",
  decision: (cycle: string) => `decisions/${cycle}.json`,
  /** Who agreed to the decision, or did not. */
  approval: (cycle: string) => `decisions/${cycle}.approval.json`,
  /** Above the reports of a pipeline, and of pipelines whose names begin so. */
  reports: (pipeline: string) => `reports/${pipeline}-`,
  reportHtml: (cycle: string) => `reports/${cycle}/index.html`,
  reportJson: (cycle: string) => `reports/${cycle}/report.json`,
  reportMarkdown: (cycle: string) => `reports/${cycle}/report.md`,
  /** What has been posted of a cycle, or of one alert that is about none, at one place. */
  posted: (about: string, sink: string) => `alerts/${about}/${sink}.json`,
  /** What the looks at a rollout have seen: the newest, and what its gates know of all. */
  looks: (pipeline: string, model: string, runId: string) => `rollouts/${pipeline}/${model}/${runId}/newest.json`,
  /** A hundred looks that came before. */
  looksPart: (pipeline: string, model: string, runId: string, part: number) =>
    `rollouts/${pipeline}/${model}/${runId}/${String(part).padStart(5, "0")}.jsonl`,
  /** What users say of answers; in order of time. */
  feedback: (pipeline: string) => `feedback/${pipeline}/`,
  /** Above the registries of all pipelines. */
  registries: "registry/",
  registry: (name: string) => `registry/${name}.json`,
} as const;
