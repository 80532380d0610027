import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";

/** What lists in the web UI and the `temporal` CLI can be filtered by: names and stages, never data. */
export const searchAttributes = {
  pipeline: defineSearchAttributeKey("TuneloopPipeline", SearchAttributeType.KEYWORD),
  dataset: defineSearchAttributeKey("TuneloopDataset", SearchAttributeType.KEYWORD),
  model: defineSearchAttributeKey("TuneloopModel", SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey("TuneloopStage", SearchAttributeType.KEYWORD),
  decision: defineSearchAttributeKey("TuneloopDecision", SearchAttributeType.KEYWORD),
  costUsd: defineSearchAttributeKey("TuneloopCostUsd", SearchAttributeType.DOUBLE),
} as const;
