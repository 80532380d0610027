/**
 * One cycle: from a dataset version to a finished rollout, or to the reason why there is none. Trains a challenger, puts it
 * up without traffic, asks champion and challenger the same questions, decides, and rolls it out or takes it down. However
 * it ends there is a report and an alert, and nothing that costs money is left running. Updates `approve` and `reject`;
 * signals `answer`, from its pipeline, and `takenDown`, from whoever takes its challenger down before it is decided on.
 */
import {
  ApplicationFailure,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import type { DecisionActivities } from "../activities/comparison-interfaces.ts";
import type {
  CheckedRetrain,
  DatasetActivities,
  InputActivities,
  JobActivities,
  OpenedCycle,
  PipelineActivities,
  ReportActivities,
} from "../activities/interfaces.ts";
import { cycleAlert } from "../src/domain/alert.ts";
import { notOpenedAlert } from "../src/domain/pipeline-alerts.ts";
import type { Answerable } from "../src/domain/approval.ts";
import { emptyReport } from "../src/domain/cycle.ts";
import { datasetVersionId, modelVersionId } from "../src/domain/ids.ts";
import type { CycleReport } from "../src/domain/report-schema.ts";
import type { RetrainInput } from "../src/domain/workflow-input-schema.ts";
import { phaseUpdates, tellPeople } from "./alerts.ts";
import { computing, local, onceLocally, quick, reporting } from "./activity-options.ts";
import { hearAnswers, tellPipeline } from "./approval.ts";
import { compareModels, type Comparison, type Verdict } from "./compare-models.ts";
import { chooseCheckpoint } from "./choose-checkpoint.ts";
import { child, phase, rollOutInput, type Story } from "./cycle-steps.ts";
import { fineTune } from "./fine-tune.ts";
import { workflowIds } from "./names.ts";
import { rollOut } from "./roll-out.ts";
import { hearShares, sharesBefore } from "./roll-out-shares.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf, regardless } from "./steps.ts";
import { hearTakenDown, type AboutChallenger } from "./taken-down.ts";

const { checkRetrain } = proxyLocalActivities<InputActivities>(local);
const { openCycle } = proxyLocalActivities<PipelineActivities>(quick);
const { readCost } = proxyLocalActivities<JobActivities>(onceLocally);
const { freezeTestSet, readTraining } = proxyActivities<DatasetActivities>(computing);
const { settleChoices } = proxyActivities<DecisionActivities>(computing);
const { writeReport } = proxyActivities<ReportActivities>(reporting);

export async function retrain(input: RetrainInput): Promise<CycleReport> {
  const heard = hearAnswers();
  const challenger = hearTakenDown();
  const { pipeline, version, repeat } = await checked(() => checkRetrain(input));
  const { workflowId } = workflowInfo();
  const cycle = await open({ pipeline, version, repeat });
  const model = modelVersionId(pipeline.name, cycle.datasetVersion, repeat);
  const report = emptyReport({
    cycle: model,
    pipeline: pipeline.name,
    workflowId,
    startedAt: now(),
    datasetVersion: datasetVersionId(pipeline.name, cycle.datasetVersion),
    recordsPerSource: cycle.perSource,
    failedSources: cycle.failedSources,
    champion: cycle.champion,
  });
  hearShares((done) => {
    report.rollout = done;
  });
  const { champion, datasetVersion } = cycle;
  const story = { pipeline, model, champion, datasetVersion, report, updates: phaseUpdates(pipeline.alerts) };
  try {
    await tell(story, heard, challenger);
  } catch (error) {
    report.outcome = isCancellation(error) ? "cancelled" : "failed";
    report.failure = reasonOf(error);
    throw error;
  } finally {
    report.endedAt = now();
    await regardless(() => conclude(story));
  }
  return report;
}

/** Without a dataset version there is nothing to report of, but somebody to tell. */
async function open({ pipeline, version, repeat }: CheckedRetrain): Promise<OpenedCycle> {
  const { workflowId } = workflowInfo();
  try {
    return await openCycle({ pipeline: pipeline.name, workflowId, version, repeat, alerts: pipeline.alerts });
  } catch (error) {
    await tellPeople(
      notOpenedAlert({ pipeline: pipeline.name, workflowId, isOfPipeline: isOfPipeline() }, reasonOf(error)),
      pipeline.alerts,
    );
    throw error;
  }
}

async function tell(story: Story, heard: Answerable, challenger: AboutChallenger): Promise<void> {
  const { pipeline, model, datasetVersion, report } = story;
  // Reads every training record first: a damaged object ends the cycle before a job is bought.
  const comparison = await phase(story, "prepare", () => prepare(story));
  const { testSet } = comparison.questions;

  const { recipe, compute } = pipeline;
  const job = await phase(story, "train", () =>
    child("fine-tune", fineTune, { pipeline: pipeline.name, model, datasetVersion, recipe, compute }),
  );
  report.job = { id: job.jobId, url: job.url, trainSeconds: job.trainSeconds, trainedRecords: job.trainedRecords };

  const up = () => child("silent", rollOut, rollOutInput(story, testSet, "silent", "trained"));
  const { champion } = await phase(story, "deploy", up);
  // Another one may have come back since the cycle began.
  story.champion = champion;
  report.champion = champion === null ? null : { version: champion, metrics: {} };
  let isRollingOut = false;
  try {
    const { checkpoints } = job;
    const verdict = await challenger.whileUp(async () => {
      if (checkpoints.length > 0) {
        await phase(story, "choose", () => chooseCheckpoint(story, comparison, checkpoints));
      }
      return compareModels(story, comparison, heard);
    });
    isRollingOut = verdict.outcome === "promote";
    await phase(story, "roll out", () => act(story, comparison, verdict));
  } catch (error) {
    report.failure = reasonOf(error);
    report.rollout = sharesBefore(error) ?? report.rollout;
    const down = rollOutInput(story, testSet, "withdrawn", report.failure);
    try {
      await regardless(() => child("withdraw", rollOut, down));
    } catch (second) {
      throw ApplicationFailure.nonRetryable(
        `${report.failure}; and ${model} could not be taken down: ${reasonOf(second)}`,
        "ServiceFailed",
        error,
      );
    }
    // A rollout that went back has ended safely: the cycle has an outcome, not a crash.
    if (isCancellation(error) || !isRollingOut) throw error;
    report.outcome = "rolled-back";
  }
}

/** What every model of the cycle is asked and measured by, settled before anything is paid for. */
async function prepare({ pipeline, datasetVersion, report }: Story): Promise<Comparison> {
  const { name: dataset, evaluate, decide } = pipeline;
  const testSet = await freezeTestSet({
    pipeline: dataset,
    version: datasetVersion,
    uri: pipeline.dataset.testSet,
    retention: evaluate.retentionSet,
  });
  const choices = await settleChoices({ testSet, evaluate, decide });
  const { seed } = evaluate;
  const fewShot = evaluate.base === null ? 0 : evaluate.fewShot;
  const read = await readTraining({ dataset, version: datasetVersion, testSet, fewShot, seed });
  const { vocabulary, leaked, examples } = read;
  report.testSet = testSet;
  report.leaked = leaked;
  const { metrics } = choices;
  return { questions: { testSet, vocabulary, evaluate: { ...evaluate, metrics }, examples }, choices };
}

async function act(story: Story, { questions, choices }: Comparison, { outcome, reason }: Verdict): Promise<void> {
  const { report } = story;
  const { testSet, vocabulary } = questions;
  switch (outcome) {
    case "promote":
      // Users' traffic is watched by what decided.
      const quality = { metrics: choices.metrics, metric: choices.policy.primary, vocabulary };
      const toUsers = { ...rollOutInput(story, testSet, "promoted", reason), quality, against: story.champion };
      const { done } = await meetingUsers(story, () => child("roll-out", rollOut, toUsers));
      if (done.length > 0) report.rollout = done;
      report.outcome = "promoted";
      return;
    case "keep":
    case "inconclusive":
      await child("withdraw", rollOut, rollOutInput(story, testSet, "withdrawn", reason));
      report.outcome = outcome === "keep" ? "kept" : "inconclusive";
  }
}

/** As long as users meet the challenger, its pipeline knows which rollout is to be sent back. */
async function meetingUsers<T>({ pipeline, model }: Story, work: () => Promise<T>): Promise<T> {
  const decided = { pipeline, model, decision: { outcome: "promote" as const } };
  await tellPipeline(decided, null, workflowIds.child(workflowInfo().workflowId, "roll-out"));
  try {
    return await work();
  } finally {
    await regardless(() => tellPipeline(decided, null));
  }
}

/** Writes the report and tells people. That one of them fails never changes what the cycle has come to. */
async function conclude(story: Story): Promise<void> {
  const { pipeline, report } = story;
  await countCost(story);
  let uri: string | null = null;
  try {
    ({ uri } = await writeReport(report));
  } catch (error) {
    log.error("the report could not be written", { cycle: report.cycle, reason: reasonOf(error) });
  }
  await story.updates.settled();
  const told = await tellPeople(cycleAlert(report, uri, isOfPipeline()), pipeline.alerts);
  const place = uri === null ? "it could not be written" : `\`${uri}\``;
  setCurrentDetails(`Ended: **${report.outcome}**.\n\nReport: ${place}\n\n${told}`);
}

/** Whether a pipeline has started the cycle, which then hears orders; not so one that somebody has started by hand. */
function isOfPipeline(): boolean {
  return workflowInfo().parent !== undefined;
}

/** The training's cost, also of one that failed. A provider that cannot say it holds nothing up. */
async function countCost({ pipeline, model, report }: Story): Promise<void> {
  try {
    report.costUsd = (await readCost({ pipeline: pipeline.name, model })).costUsd;
    if (report.costUsd !== null) label({ costUsd: report.costUsd });
  } catch (error) {
    log.warn("what the training has cost is not known", { cycle: report.cycle, reason: reasonOf(error) });
  }
}

function now(): string {
  return new Date().toISOString();
}
