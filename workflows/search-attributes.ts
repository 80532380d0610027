import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from "@temporalio/common";
import { upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";

/** What lists in the web UI and the `temporal` CLI can be filtered by: names, stages and costs, never data. */
export const searchAttributes = {
  pipeline: defineSearchAttributeKey("TuneloopPipeline", SearchAttributeType.KEYWORD),
  dataset: defineSearchAttributeKey("TuneloopDataset", SearchAttributeType.KEYWORD),
  model: defineSearchAttributeKey("TuneloopModel", SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey("TuneloopStage", SearchAttributeType.KEYWORD),
  decision: defineSearchAttributeKey("TuneloopDecision", SearchAttributeType.KEYWORD),
  costUsd: defineSearchAttributeKey("TuneloopCostUsd", SearchAttributeType.DOUBLE),
  trafficPercent: defineSearchAttributeKey("TuneloopTrafficPercent", SearchAttributeType.INT),
  gate: defineSearchAttributeKey("TuneloopGate", SearchAttributeType.KEYWORD),
  nextCheck: defineSearchAttributeKey("TuneloopNextCheck", SearchAttributeType.DATETIME),
} as const;

/** What a workflow is about and where it stands. */
export interface Labels {
  pipeline?: string;
  dataset?: string;
  model?: string;
  stage?: string;
  decision?: string;
  /** In US dollars. */
  costUsd?: number;
  /** The challenger's share of traffic. */
  trafficPercent?: number;
  /** What the gates of a rollout say: pass, hold or fail. */
  gate?: string;
  /** When a rollout has news at the latest, ISO-8601. */
  nextCheck?: string;
}

/** Labels as search attributes, for the start of a child: cheaper than for it to set them itself. */
export function labelled(labels: Labels): SearchAttributePair[] {
  const { pipeline, dataset, model, stage, decision, costUsd, trafficPercent, gate, nextCheck } = labels;
  const { pipeline: p, dataset: d, model: m, stage: s, decision: o, costUsd: c } = searchAttributes;
  return [
    ...(pipeline === undefined ? [] : [{ key: p, value: pipeline }]),
    ...(dataset === undefined ? [] : [{ key: d, value: dataset }]),
    ...(model === undefined ? [] : [{ key: m, value: model }]),
    ...(stage === undefined ? [] : [{ key: s, value: stage }]),
    ...(decision === undefined ? [] : [{ key: o, value: decision }]),
    ...(costUsd === undefined ? [] : [{ key: c, value: costUsd }]),
    ...(trafficPercent === undefined ? [] : [{ key: searchAttributes.trafficPercent, value: trafficPercent }]),
    ...(gate === undefined ? [] : [{ key: searchAttributes.gate, value: gate }]),
    ...(nextCheck === undefined ? [] : [{ key: searchAttributes.nextCheck, value: new Date(nextCheck) }]),
  ];
}

/** Labels this workflow; `nextCheck` null takes that label away. */
export function label({ nextCheck, ...labels }: Omit<Labels, "nextCheck"> & { nextCheck?: string | null }): void {
  if (nextCheck === null)
    upsertSearchAttributes([...labelled(labels), { key: searchAttributes.nextCheck, value: null }]);
  else upsertSearchAttributes(labelled(nextCheck === undefined ? labels : { ...labels, nextCheck }));
}

/** Labels this workflow unless whoever started it did. */
export function labelUnlessGiven(labels: Labels): void {
  if (workflowInfo().typedSearchAttributes.get(searchAttributes.stage) === undefined) label(labels);
}
