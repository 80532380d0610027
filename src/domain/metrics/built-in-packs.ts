/** The metric packs that are part of Tuneloop. */
import { classification } from "./classification.ts";
import { cost } from "./cost.ts";
import { exactMatch } from "./exact-match.ts";
import { functionalRepresentation } from "./functional-representation.ts";
import { jsonFields } from "./json.ts";
import { latency } from "./latency.ts";
import { answerLength } from "./length.ts";
import { llmJudge } from "./llm-judge.ts";
import type { MetricPackKind } from "./metric.ts";
import { normalisedMatch } from "./normalised-match.ts";
import { refusal } from "./refusal.ts";
import { textOverlap } from "./text-overlap.ts";

/** In the order in which people read of them; `auto` takes the first that fits. */
export const builtInPacks: readonly MetricPackKind[] = [
  functionalRepresentation,
  jsonFields,
  classification,
  textOverlap,
  exactMatch,
  normalisedMatch,
  answerLength,
  refusal,
  latency,
  cost,
  llmJudge,
];
