/**
 * One cycle: from a dataset version to a finished rollout, or to the reason why there is none. Trains a challenger, puts it
 * up without traffic, asks champion and challenger the same questions, decides, and rolls it out or takes it down. However
 * it ends there is a report and an alert, and nothing that costs money is left running. No messages.
 */
import {
  ApplicationFailure,
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import type {
  AlertActivities,
  CheckedRetrain,
  DatasetActivities,
  DecisionActivities,
  InputActivities,
  JobActivities,
  OpenedCycle,
  PipelineActivities,
  ReportActivities,
} from "../activities/interfaces.ts";
import { cycleAlert, notOpenedAlert } from "../src/domain/alert.ts";
import { emptyReport } from "../src/domain/cycle.ts";
import { settlePolicy } from "../src/domain/decision-policy.ts";
import type { Decision } from "../src/domain/decision-schema.ts";
import type { Evaluation, TestSet } from "../src/domain/evaluation-schema.ts";
import { datasetVersionId, modelVersionId } from "../src/domain/ids.ts";
import type { CycleReport } from "../src/domain/report-schema.ts";
import type { RetrainInput, RollOutInput } from "../src/domain/workflow-input-schema.ts";
import { computing, local, onceLocally, outside, quick, reporting } from "./activity-options.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { fineTune } from "./fine-tune.ts";
import { workflowIds } from "./names.ts";
import { rollOut } from "./roll-out.ts";
import { label, labelled } from "./search-attributes.ts";
import { checked, reasonOf, regardless } from "./steps.ts";

const { checkRetrain } = proxyLocalActivities<InputActivities>(local);
const { openCycle } = proxyLocalActivities<PipelineActivities>(quick);
const { readCost } = proxyLocalActivities<JobActivities>(onceLocally);
const { freezeTestSet, readTraining } = proxyActivities<DatasetActivities>(computing);
const { decideCycle } = proxyActivities<DecisionActivities>(computing);
const { writeReport } = proxyActivities<ReportActivities>(reporting);
const { sendAlert } = proxyActivities<AlertActivities>(outside);

/** Of the functional-representation pack. */
const suggestedPolicy = { primary: "accuracy_output_fn", guards: [{ metric: "accuracy_attr_types", margin: 0.02 }] };

export async function retrain(input: RetrainInput): Promise<CycleReport> {
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
  const story = { pipeline, model, champion: cycle.champion, datasetVersion: cycle.datasetVersion, report };
  try {
    await tell(story);
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
    return await openCycle({ pipeline: pipeline.name, workflowId, version, repeat });
  } catch (error) {
    const alert = notOpenedAlert(pipeline.name, workflowId, reasonOf(error));
    await regardless(() => sendAlert({ alert, sinks: pipeline.alerts }));
    throw error;
  }
}

/** A cycle and what is known of it so far. */
interface Story {
  pipeline: CheckedRetrain["pipeline"];
  model: string;
  champion: string | null;
  datasetVersion: number;
  report: CycleReport;
}

async function tell(story: Story): Promise<void> {
  const { pipeline, model, datasetVersion, report } = story;
  // Reads every training record first: a damaged object ends the cycle before a job is bought.
  const { testSet, vocabulary, leaked } = await phase(story, "prepare", async () => {
    const request = { pipeline: pipeline.name, version: datasetVersion, uri: pipeline.dataset.testSet };
    const frozen = await freezeTestSet(request);
    const read = await readTraining({ dataset: pipeline.name, version: datasetVersion, testSet: frozen });
    return { testSet: frozen, ...read };
  });
  report.testSet = testSet;
  report.leaked = leaked;

  const { recipe, compute } = pipeline;
  const job = await phase(story, "train", () =>
    child("fine-tune", fineTune, { pipeline: pipeline.name, model, datasetVersion, recipe, compute }),
  );
  report.job = { id: job.jobId, url: job.url, trainSeconds: job.trainSeconds, trainedRecords: job.trainedRecords };

  await phase(story, "deploy", () => child("silent", rollOut, rollOutInput(story, testSet, "silent", "trained")));
  try {
    const [challenging, defending] = await phase(story, "evaluate", () => evaluateBoth(story, testSet, vocabulary));
    report.challenger = measured(challenging);
    report.champion = defending === null ? null : measured(defending);
    const decision = await decideCycle({
      cycle: model,
      pipeline: pipeline.name,
      champion: defending,
      challenger: challenging,
      vocabulary: vocabulary,
      policy: settlePolicy(pipeline.decide, suggestedPolicy),
    });
    report.decision = decision;
    label({ decision: decision.outcome });
    await phase(story, "roll out", () => act(story, testSet, decision));
  } catch (error) {
    report.failure = reasonOf(error);
    const down = rollOutInput(story, testSet, "withdrawn", report.failure.slice(0, 500));
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
    if (isCancellation(error) || report.decision?.outcome !== "promote") throw error;
    report.outcome = "rolled-back";
  }
}

async function evaluateBoth(
  story: Story,
  testSet: TestSet,
  vocabulary: string,
): Promise<[Evaluation, Evaluation | null]> {
  const { pipeline, model, champion } = story;
  const ask = (step: string, version: string): Promise<Evaluation> =>
    child(step, evaluateModel, {
      pipeline: pipeline.name,
      model: version,
      testSet,
      vocabulary,
      evaluate: pipeline.evaluate,
    });
  return Promise.all([
    ask("evaluate-challenger", model),
    champion === null ? null : ask("evaluate-champion", champion),
  ]);
}

async function act(story: Story, testSet: TestSet, { outcome, reasons }: Decision): Promise<void> {
  const { report } = story;
  const reason = reasons.join(" ").slice(0, 500);
  switch (outcome) {
    case "promote":
      await child("roll-out", rollOut, rollOutInput(story, testSet, "promoted", reason));
      report.outcome = "promoted";
      return;
    case "keep":
    case "inconclusive":
      await child("withdraw", rollOut, rollOutInput(story, testSet, "withdrawn", reason));
      report.outcome = outcome === "keep" ? "kept" : "inconclusive";
  }
}

/** Writes the report and tells people. That one of them fails never changes what the cycle has come to. */
async function conclude(story: Story): Promise<void> {
  const { pipeline, report } = story;
  await countCost(story);
  let uri = "it could not be written";
  try {
    ({ uri } = await writeReport(report));
  } catch (error) {
    log.error("the report could not be written", { cycle: report.cycle, reason: reasonOf(error) });
  }
  try {
    await sendAlert({ alert: cycleAlert(report, uri), sinks: pipeline.alerts });
  } catch (error) {
    log.error("nobody could be alerted", { cycle: report.cycle, reason: reasonOf(error) });
  }
  setCurrentDetails(`Ended: **${report.outcome}**.\n\nReport: \`${uri}\``);
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

/** Shows where the cycle is and notes how long it was there. */
async function phase<T>({ model, report }: Story, name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = Date.now();
  label({ pipeline: report.pipeline, model, stage: name });
  setCurrentDetails(`Cycle **${model}**: ${name}.\n\nChampion: ${report.champion?.version ?? "none yet"}.`);
  try {
    return await work();
  } finally {
    report.phases[name] = (Date.now() - startedMs) / 1000;
  }
}

function child<I extends { pipeline: string; model: string }, R>(
  step: string,
  type: (input: I) => Promise<R>,
  input: I,
): Promise<R> {
  const { workflowId } = workflowInfo();
  return executeChild(type, {
    workflowId: workflowIds.child(workflowId, step),
    args: [input],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${step} of ${workflowId}`,
    typedSearchAttributes: labelled({ pipeline: input.pipeline, model: input.model, stage: step }),
  });
}

function rollOutInput(story: Story, testSet: TestSet, target: RollOutInput["target"], reason: string): RollOutInput {
  const { pipeline, model } = story;
  const { recipe, compute, rollout: policy } = pipeline;
  return { pipeline: pipeline.name, model, target, reason, recipe, compute, policy, testSet };
}

function measured({ model, metrics }: Evaluation): { version: string; metrics: Evaluation["metrics"] } {
  return { version: model, metrics };
}

function now(): string {
  return new Date().toISOString();
}
