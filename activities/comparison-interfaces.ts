/** The activities that compare models, as workflows see them: asking, judging, deciding. See interfaces.ts for what all keep. */
import type { ApprovalRecord, GivenAnswer } from "../src/domain/approval-schema.ts";
import type { DecideChoice, DecisionPolicy } from "../src/domain/decide-schema.ts";
import type { HashedObject } from "../src/domain/decision-record-schema.ts";
import type { Decision } from "../src/domain/decision-schema.ts";
import type { EvaluatePolicy, MetricChoice } from "../src/domain/evaluate-schema.ts";
import type { Evaluation, TestSet } from "../src/domain/evaluation-schema.ts";
import type { ResolvedChoices } from "../src/domain/metrics/choices.ts";
import type { Judged } from "../src/domain/judgement-schema.ts";
import type { CheckpointChoice } from "../src/domain/model-version-schema.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";

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
