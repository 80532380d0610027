/** What there is whatever packs are chosen: the share of the questions that got no answer. */
import type { MetricPack } from "./metric.ts";

/** Always the first pack of an evaluation; nobody chooses it, and no other pack may have its name. */
export const responses: MetricPack = {
  name: "responses",
  metrics: [
    {
      name: "failed_api_responses",
      title: "Failed responses",
      unit: "ratio",
      better: "lower",
      kind: "binary",
      unanswered: true,
      over: "asked",
    },
  ],
  score: () => ({ failed_api_responses: false }),
};
