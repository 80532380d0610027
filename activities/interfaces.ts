/**
 * The activities as workflows see them. Each does one outside thing and can run twice without harm; its docstring says
 * how. Failures carry a type of `src/domain/failures.ts`.
 */
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import type { Alert } from "../src/domain/alert-schema.ts";
import type { ApprovalRecord, GivenAnswer } from "../src/domain/approval-schema.ts";
import type { GatheredBatches } from "../src/domain/batch-schema.ts";
import type { CountsTarget } from "../src/domain/counts-table-schema.ts";
import type { SourceCounts } from "../src/domain/dataset-version-schema.ts";
import type { DecideChoice, DecisionPolicy } from "../src/domain/decide-schema.ts";
import type { HashedObject } from "../src/domain/decision-record-schema.ts";
import type { Decision } from "../src/domain/decision-schema.ts";
import type { EvaluatePolicy, MetricChoice } from "../src/domain/evaluate-schema.ts";
import type { Evaluation, Examples, TestSet } from "../src/domain/evaluation-schema.ts";
import type { Orphan } from "../src/domain/janitor-schema.ts";
import type { JobState } from "../src/domain/job-schema.ts";
import type { ResolvedChoices } from "../src/domain/metrics/choices.ts";
import type { Judged } from "../src/domain/judgement-schema.ts";
import type { Split } from "../src/domain/pipeline-schema.ts";
import type { CheckpointChoice } from "../src/domain/model-version-schema.ts";
import type { Alias, LastCycle } from "../src/domain/registry-schema.ts";
import type { GateVerdict } from "../src/domain/rollout-schema.ts";
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

/** What a model was asked. */
export interface AskedQuestions {
  /** Of the evaluation: its answers lie under `evaluations/<key>/`. */
  key: string;
  shards: number;
  records: number;
  failed: number;
}

export interface EvaluationActivities {
  /**
   * Asks every question that has no stored answer yet, and stores each answer as it comes; the same again asks nothing but
   * what has none. Heartbeats how far it is, and tells its workflow so now and then. Fails at once as ServiceFailed when
   * the model is not up, and when it refuses to answer; as Unavailable when its requests fail, for the fifth time as
   * ServiceFailed. Single questions without an answer are no failure but counted.
   */
  askQuestions(request: EvaluateModelInput): Promise<AskedQuestions>;
  /** Scores stored predictions. Changes nothing. */
  scoreEvaluation(request: EvaluateModelInput & { asked: AskedQuestions }): Promise<Evaluation>;
}

/** The models of one version, to choose one that answers for it. */
export interface CheckpointsToChoose {
  pipeline: string;
  model: string;
  /** Of the metric packs `metrics`. */
  metric: string;
  metrics: MetricChoice[];
  prices: EvaluatePolicy["prices"];
  /** In the order of training; `evaluation` is null where the model could not be asked. */
  candidates: CheckpointChoice["candidates"];
}

export interface CheckpointActivities {
  /**
   * The validation split of a dataset version as questions; null when it has too few of them to choose by. Named by its
   * content, so that a repeat writes the same over itself.
   */
  validationSet(request: { pipeline: string; version: number }): Promise<TestSet | null>;
  /** Picks the best and writes it down, once for each model version: a repeat answers what was written first. */
  chooseCheckpoint(request: CheckpointsToChoose): Promise<CheckpointChoice>;
}

/** The answers of one model, to be judged alone, and against a champion's where there is one. */
export interface JudgeAnswersRequest {
  /** The pack of the judge. */
  choice: MetricChoice;
  testSet: TestSet;
  evaluation: Pick<Evaluation, "key" | "shards">;
  against: Pick<Evaluation, "key" | "shards"> | null;
}

export interface JudgingActivities {
  /**
   * Asks a judge about stored answers and stores what it replies beside them. What has a reply is not asked again, in no
   * attempt and no later cycle. Fails as Unavailable when more than 5 % of a shard stay without a reply, but for the fifth
   * attempt, which answers how many those are. Heartbeats.
   */
  judgeAnswers(request: JudgeAnswersRequest): Promise<{ judged: Judged[] }>;
}

/** What a cycle has come to, and where the record of it lies. */
export type DecidedCycle = Decision & HashedObject;

/** One of the models of a cycle, asked or not. */
export interface AskedArm {
  /** The base model decides nothing. */
  name: "champion" | "challenger" | "base" | "base-few-shot";
  model: string;
  /** Null where it could not be asked. */
  evaluation: Evaluation | null;
  /** Why it could not be asked; null where it was. */
  failure: string | null;
}

/** What a cycle goes on with, nothing left to choose. */
export interface SettledChoices extends ResolvedChoices {
  /** Of the packs, those whose values a judge gives. */
  judges: MetricChoice[];
}

/** What judges were asked, as far as they could be. */
export interface Judging {
  judged: Judged[];
  /** Why a judge could not be asked; null where all were that were wanted. */
  failure: string | null;
}

export interface DecisionActivities {
  /** Settles what is `auto` by the expected answers of the frozen test set. Fails with InvalidInput that names the field. */
  settleChoices(request: { testSet: TestSet; evaluate: EvaluatePolicy; decide: DecideChoice }): Promise<SettledChoices>;
  /**
   * Compares the stored answers record by record, decides and stores the record of it, once for each cycle. Same result on
   * a repeat; fails with InvalidInput when the cycle was decided from other answers or by another policy.
   */
  decideCycle(request: {
    cycle: string;
    pipeline: string;
    arms: AskedArm[];
    testSet: TestSet;
    vocabulary: string;
    evaluate: Pick<EvaluatePolicy, "slices" | "prices">;
    metrics: MetricChoice[];
    policy: DecisionPolicy;
    judging: Judging;
  }): Promise<DecidedCycle>;
}

export interface ApprovalActivities {
  /** The answer that this decision has had; null when it has none. Fails with InvalidInput when another decision had it. */
  readApproval(request: { cycle: string; decision: HashedObject }): Promise<ApprovalRecord | null>;
  /** Stores the answer to a decision, and answers it; the answer that is stored already when there is one. */
  recordApproval(
    request: GivenAnswer & {
      pipeline: string;
      cycle: string;
      decision: HashedObject;
      outcome: ApprovalRecord["outcome"];
    },
  ): Promise<ApprovalRecord>;
}

/** A model version of a pipeline's service, and the champion beside it; null before the first. */
export interface ServedModel {
  pipeline: string;
  model: string;
  champion: string | null;
}

/** A weight to be reached: `percent` of the traffic, or, when `complete`, all of it alone. */
export type WeightRequest = RollOutInput & ServedModel & { percent: number; complete: boolean };

/** A look at a rollout's step. */
export type LookRequest = RollOutInput &
  ServedModel & {
    /** Share of the traffic that the rollout left the model at. */
    percent: number;
    /** Of the rollout's workflow: looks of one rollout are judged together. */
    runId: string;
    /** ISO-8601; feedback that was given before does not count. */
    startedAt: string;
    /** The verdict that is known; another one is news. */
    known: GateVerdict["verdict"] | null;
    /** ISO-8601; the look at this time is news whatever it says. */
    until: string;
  };

/** What the gates of a rollout say of all looks so far. */
export interface LookResult {
  verdict: GateVerdict["verdict"];
  gates: GateVerdict[];
  /** Since the rollout began. */
  looks: number;
}

export interface RolloutActivities {
  /** Takes the pipeline's rollout lock, also from a holder that has ended. Fails with RolloutLocked. Holding it already is fine. */
  lockRollout(request: {
    pipeline: string;
    workflowId: string;
    runId: string;
  }): Promise<{ champion: string | null; challenger: string | null }>;
  /** Gives the lock back if it is still ours. */
  unlockRollout(request: { pipeline: string; workflowId: string }): Promise<void>;
  /**
   * Asks the service for a weight of the model and reads it back once; the same again changes nothing. `complete` ends
   * the rollout at 100. `reached` tells whether the weight was there at once.
   */
  setWeight(request: WeightRequest): Promise<{ reached: boolean }>;
  /**
   * Returns when the service is observed with the model up at `percent` (and, when `complete`, as its only version).
   * Fails as StillWaiting until then, with ServiceFailed when the version cannot come up, ServiceChanged when it is gone.
   */
  awaitWeight(request: WeightRequest): Promise<void>;
  /**
   * Takes the model's weight to 0 and ends its version. A first model's service is ended; where the model serves alone
   * the champion is deployed again in its place. Done when it is gone.
   */
  takeDown(request: RollOutInput & ServedModel): Promise<void>;
  /** Returns when the model is observed to serve nothing and the champion, if there is one, everything. Fails as StillWaiting until then. */
  awaitDown(request: ServedModel): Promise<void>;
  /**
   * Asks the model the first 8 questions of the test set. Fails with ProbeFailed when more than `maxErrorRate` of them
   * fail: a rate below 0.125 allows no failure at all.
   */
  probe(request: ServedModel & { testSet: TestSet; maxErrorRate: number }): Promise<{ asked: number; failed: number }>;
  /**
   * Looks at a step: reads the weights back, asks both versions the same questions at the same time, reads users' feedback
   * and judges it with all earlier looks. Returns when the verdict is news, or at `until`; else fails as StillWaiting and is
   * asked again by Temporal's retry. Fails with ServiceChanged when the service is not as the rollout left it, with
   * ServiceFailed when a version cannot serve. A repeat looks once more, which the gates allow.
   */
  look(request: LookRequest): Promise<LookResult>;
  /**
   * The champion before the one of now, or the one that is named, and what to ask it. Changes nothing. Fails with NotFound
   * when there was none, with InvalidInput when the one that is named is champion, or never was.
   */
  findFormerChampion(request: { pipeline: string; to: string | null }): Promise<{ model: string; testSet: TestSet }>;
  /** Moves aliases by one If-Match write; nothing to do when they point there. */
  moveAliases(request: {
    pipeline: string;
    to: Partial<Record<Alias, string | null>>;
    workflowId: string;
    reason: string;
  }): Promise<void>;
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
   * Notes the cycle in the registry and resolves its dataset version. The same again changes nothing. Fails with
   * InvalidInput when the cycle's model is champion.
   */
  openCycle(request: {
    pipeline: string;
    workflowId: string;
    version: number | null;
    repeat: number;
  }): Promise<OpenedCycle>;
  /** Returns when the workflow has ended, else fails as StillWaiting. */
  awaitWorkflow(request: { workflowId: string }): Promise<WorkflowEnd>;
}

export interface JanitorActivities {
  /**
   * Looks for jobs of claimed model versions and for versions of services that belong to no workflow which lives, and are
   * older than the grace period; at most 100. Changes nothing.
   */
  findOrphans(request: { graceSeconds: number }): Promise<{ orphans: Orphan[] }>;
  /** Ends one, if it still is what was found. Done when it has ended by itself. */
  endOrphan(orphan: Orphan): Promise<void>;
}

export interface AlertActivities {
  /**
   * Tells people through one sink. Each attempt has the same id, by which the sink, the bucket or the receiver knows what
   * was told before; where an answer was lost and nobody can look, people are told twice rather than never.
   */
  sendAlert(request: { alert: Alert; sink: AlertChoice }): Promise<void>;
}

export interface ReportActivities {
  /** Writes the cycle's report as JSON and Markdown. Same objects on a repeat. */
  writeReport(report: CycleReport): Promise<{ key: string; uri: string }>;
}
