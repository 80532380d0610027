/**
 * The activities as workflows see them; those of comparing models and of rollouts are in files of their own. Each does one
 * outside thing and can run twice without harm; its docstring says how. Failures carry a type of `src/domain/failures.ts`.
 */
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import type { Alert } from "../src/domain/alert-schema.ts";
import type { GatheredBatches } from "../src/domain/batch-schema.ts";
import type { CountsTarget } from "../src/domain/counts-table-schema.ts";
import type { SourceCounts } from "../src/domain/dataset-version-schema.ts";
import type { Examples, TestSet } from "../src/domain/evaluation-schema.ts";
import type { JobState } from "../src/domain/job-schema.ts";
import type { Split } from "../src/domain/pipeline-schema.ts";
import type { LastCycle } from "../src/domain/registry-schema.ts";
import type { CycleReport } from "../src/domain/report-schema.ts";
import type {
  AlertPeopleInput,
  EvaluateModelInput,
  FineTuneInput,
  IngestSourceInput,
  JanitorInput,
  IngestSourcesInput,
  PipelineInput,
  RetrainInput,
  RollBackInput,
  RollOutInput,
  UpdateDatasetInput,
} from "../src/domain/workflow-input-schema.ts";

/** An input without its sources: there may be thousands, and the input in history has them already. */
export type WithoutSources<T extends { sources?: unknown }> = Omit<T, "sources">;

/** A cycle's input without the sources, which it does not need. */
export type CheckedRetrain = Omit<RetrainInput, "pipeline"> & { pipeline: WithoutSources<RetrainInput["pipeline"]> };

/** The same of a rollback. */
export type CheckedRollBack = Omit<RollBackInput, "pipeline"> & { pipeline: WithoutSources<RollBackInput["pipeline"]> };

/** Local activities: parse a workflow's own input and fill in defaults. Fail with InvalidInput naming the field. */
export interface InputActivities {
  checkUpdateDataset(input: unknown): Promise<WithoutSources<UpdateDatasetInput>>;
  checkIngestSources(input: unknown): Promise<WithoutSources<IngestSourcesInput>>;
  checkIngestSource(input: unknown): Promise<IngestSourceInput>;
  checkPipeline(input: unknown): Promise<WithoutSources<PipelineInput>>;
  checkRetrain(input: unknown): Promise<CheckedRetrain>;
  checkFineTune(input: unknown): Promise<FineTuneInput>;
  checkEvaluateModel(input: unknown): Promise<EvaluateModelInput>;
  checkRollOut(input: unknown): Promise<RollOutInput>;
  checkJanitor(input: unknown): Promise<JanitorInput>;
  checkRollBack(input: unknown): Promise<CheckedRollBack>;
  checkAlertPeople(input: unknown): Promise<Required<AlertPeopleInput>>;
}

/** Newest version of a dataset; `version` 0 when there is none. Cursors of the asked sources only. */
export interface DatasetHead {
  version: number;
  records: number;
  cursors: Record<string, string>;
}

/** What one ingest of one source brought. */
export interface IngestResult {
  source: string;
  /** Key of the batch. */
  batch: string;
  received: number;
  quarantined: number;
  /** False when the time was over before the source's end: a later pass goes on where this one stopped. */
  isComplete: boolean;
}

/** A committed dataset version; null where nothing new was there to commit. */
export interface CommitResult {
  version: number | null;
  /** Cumulative, of all splits. */
  records: number;
  /** Added by this version; without one, how many it would have added. */
  added: number;
  /** What came of each source; empty when they are more than 200: the manifest has them. */
  perSource: Record<string, SourceCounts>;
}

/** What has been merged into a table of counts. */
export interface MergedCounts {
  versions: number;
  rows: number;
}

export interface DatasetActivities {
  /** Reads the newest manifest. Changes nothing. Fails with InvalidInput when the dataset is split by other shares. */
  readDatasetHead(request: { dataset: string; sources: string[]; split: Split }): Promise<DatasetHead>;
  /**
   * Reads a source from its cursor to its end, or to the deadline, and writes a batch. Long: heartbeats after each chunk
   * and goes on there after a crash. Its objects are named by run and content: no attempt writes over what another has
   * written. Fails as TooLate when the source brings nothing for too long.
   */
  ingest(request: IngestSourceInput): Promise<IngestResult>;
  /**
   * The same for a source that brings little (1 MB in 2 s), as most do most of the time; null when it brings more, which
   * is for `ingest` then. Quick enough to run as a local activity.
   */
  ingestSmall(request: IngestSourceInput): Promise<IngestResult | null>;
  /** Writes down batches and failures in one document, named by its content. */
  gatherBatches(request: GatheredBatches): Promise<{ key: string }>;
  /**
   * Makes one new version of batches, named here or in what was gathered: drops duplicates against the whole past, writes
   * the manifest last and only if its number is free, else rebuilds on the new parent. A repeat finds its batches in a
   * manifest and answers that one. Of fewer than `leastRecords` new records it makes none, and answers how many there
   * would have been. Fails with InvalidInput when a batch is split by other shares than the dataset.
   */
  commitVersion(request: {
    dataset: string;
    parent: number;
    batches: string[];
    failedSources: Record<string, string>;
    /** Keys of documents that list more of both. */
    gathered: string[];
    leastRecords: number;
  }): Promise<CommitResult>;
  /**
   * Merges the counts of a version, and of those before it that are missing, into a table. The same again changes nothing.
   * Fails with Refused, NotFound or InvalidInput when the table or its database cannot be used.
   */
  mergeCounts(request: { dataset: string; version: number; target: CountsTarget }): Promise<MergedCounts>;
  /**
   * The pipeline's frozen test set, made when there is none yet from `uri` or the version's test split, and from the
   * questions of old skills in `retention`. Fails with InvalidData when that has too few records to compare models, and
   * freezes nothing then; with InvalidInput when one of them is not what it was frozen from. Content-addressed.
   */
  freezeTestSet(request: {
    pipeline: string;
    version: number;
    uri: string | null;
    retention: string | null;
  }): Promise<TestSet>;
  /**
   * Reads every training record of a version, so that a damaged object is found out before anybody pays for a training.
   * Keeps the function and attribute names it saw, under the key it answers, and counts the records that ask a question
   * of the test set. Of the others it draws `fewShot` by `seed` and keeps them as examples; null when none are wanted. Same
   * keys and content on a repeat.
   */
  readTraining(request: {
    dataset: string;
    version: number;
    testSet: TestSet;
    fewShot: number;
    seed: number;
  }): Promise<{ vocabulary: string; leaked: number; examples: Examples | null }>;
}

/** A training job as workflows see it. */
export interface TrainingJob {
  jobId: string;
  state: JobState;
  url: string | null;
  /** What the service says went wrong. */
  error: string | null;
}

/** A training and the name of its one job: a job of this name is ours only when it trains from our spec. */
export type TrainingRequest = FineTuneInput & { jobName: string; workflowId: string };

export interface JobActivities {
  /**
   * Claims the model version, looks for the job of this intent, writes the spec and submits the job when there is none. One
   * job however often it runs, also when the recipe has changed meanwhile; fails with InvalidInput when the dataset
   * version does not exist, or the model version belongs to a job of another name.
   */
  submitTraining(request: TrainingRequest): Promise<TrainingJob>;
  /**
   * Returns when the job's state differs from `known`, else fails as StillWaiting and is asked again by Temporal's retry:
   * no worker slot is held.
   */
  awaitJob(request: { jobId: string; known: JobState }): Promise<TrainingJob>;
  /** Ends every job of this intent that has not ended; done when there is none. */
  terminateTraining(request: TrainingRequest): Promise<{ terminated: number }>;
  /**
   * What the provider counts for the training of a model version, in US dollars, and notes it with the version's claim; null
   * when it has no count, or none of every job, or there was no job.
   */
  readCost(request: { pipeline: string; model: string }): Promise<{ costUsd: number | null }>;
  /** Reads and checks `model.json`. Fails with JobFailed when the job left none. */
  readModel(request: { pipeline: string; model: string }): Promise<ModelSummary>;
}

/** What a cycle needs to know of a model version. */
export interface ModelSummary {
  trainedRecords: number;
  trainSeconds: number;
  /** Names of the checkpoints that its service answers for as well, in the order of training. */
  checkpoints: string[];
}

/** How a workflow that was awaited from outside ended. */
export interface WorkflowEnd {
  /** Of a workflow that completed; null where it answered nothing. */
  result: unknown;
  /** Why it did not complete; null when it did. */
  error: string | null;
}

/** A cycle as it begins: its dataset version, the records of each source in it, and who is champion. */
export interface OpenedCycle extends LastCycle {
  champion: string | null;
  /** Of the largest 200; what the others have is summed up. */
  perSource: Record<string, number>;
  /** Sources without which the version was made, and why; the first 20. */
  failedSources: Record<string, string>;
}

export interface PipelineActivities {
  /** What storage knows of a pipeline. Changes nothing. */
  readPipeline(request: { name: string }): Promise<{
    /** With the sources without which its newest version was made, the first 20. */
    dataset: { version: number; records: number; failedSources: Record<string, string> };
    champion: string | null;
    lastCycle: LastCycle | null;
  }>;
  /**
   * Notes the cycle, and whom it tells, in the registry and resolves its dataset version. The same again changes nothing. Fails with
   * InvalidInput when the cycle's model is champion.
   */
  openCycle(request: {
    pipeline: string;
    workflowId: string;
    version: number | null;
    repeat: number;
    alerts: AlertChoice[];
  }): Promise<OpenedCycle>;
  /** Returns when the workflow has ended, else fails as StillWaiting. */
  awaitWorkflow(request: { workflowId: string }): Promise<WorkflowEnd>;
}

export interface AlertActivities {
  /**
   * Tells people through one sink. Each attempt has the same id, by which the sink, the bucket or the receiver knows what
   * was told before; where an answer was lost and nobody can look, people are told twice rather than never.
   */
  sendAlert(request: { alert: Alert; sink: AlertChoice }): Promise<void>;
}

export interface ReportActivities {
  /**
   * Writes the cycle's report as JSON, as Markdown and as a page, whose key it answers, from what the bucket knows of the
   * cycle. What cannot be read is left out by the fifth attempt, and the report says so. Same objects on a repeat. Heartbeats.
   */
  writeReport(report: CycleReport): Promise<{ key: string; uri: string }>;
}
