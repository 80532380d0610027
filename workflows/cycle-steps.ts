/** What the steps of a cycle have in common. */
import { executeChild, ParentClosePolicy, setCurrentDetails, workflowInfo } from "@temporalio/workflow";
import type { CheckedRetrain } from "../activities/interfaces.ts";
import { phaseAlert } from "../src/domain/alert.ts";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import type { CycleReport } from "../src/domain/report-schema.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import type { PhaseUpdates } from "./alerts.ts";
import { workflowIds } from "./names.ts";
import { label, labelled } from "./search-attributes.ts";

/** A cycle and what is known of it so far. */
export interface Story {
  pipeline: CheckedRetrain["pipeline"];
  /** The challenger, which the cycle is named after. */
  model: string;
  champion: string | null;
  datasetVersion: number;
  report: CycleReport;
  /** Of sinks that show how far the cycle is. */
  updates: PhaseUpdates;
}

/** Shows where the cycle is and notes how long it was there. */
export async function phase<T>({ model, report, updates }: Story, name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = Date.now();
  label({ pipeline: report.pipeline, model, stage: name });
  setCurrentDetails(`Cycle **${model}**: ${name}.\n\nChampion: ${report.champion?.version ?? "none yet"}.`);
  updates.show(phaseAlert(report, name));
  try {
    return await work();
  } finally {
    report.phases[name] = (Date.now() - startedMs) / 1000;
  }
}

/** Runs a step as a child, which is cancelled when the cycle ends before it. */
export function child<I extends { pipeline: string; model: string }, R>(
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

/** What a rollout of the challenger takes. */
export function rollOutInput(
  story: Story,
  testSet: TestSet,
  target: RollOutInput["target"],
  reason: string,
): RollOutInput {
  const { pipeline, model } = story;
  const { recipe, compute, rollout: policy } = pipeline;
  return {
    pipeline: pipeline.name,
    model,
    target,
    reason: reason.slice(0, 500),
    recipe,
    compute,
    policy,
    testSet,
    quality: null,
    alerts: pipeline.alerts,
  };
}
