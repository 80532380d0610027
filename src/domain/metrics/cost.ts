/** The metric pack of what answers cost by their tokens. */
import { TypedFailure } from "../failures.ts";
import type { MetricPackKind } from "./metric.ts";
import { readOptions } from "./options.ts";

/**
 * US dollars for 1,000 requests such as these: tokens of question and answer at the definition's prices. A record whose
 * tokens the endpoint does not count does not count.
 */
export const cost: MetricPackKind = {
  name: "cost",
  description: "US dollars per 1,000 requests, from the tokens that the endpoint counts and evaluate.prices",
  options: {},
  create(options, { prices }) {
    readOptions("cost", options, []);
    if (prices === null) {
      const message = "metric pack cost: it needs evaluate.prices: { promptUsdPerMillion, completionUsdPerMillion }";
      throw new TypedFailure("InvalidInput", message);
    }
    return {
      name: "cost",
      metrics: [
        {
          name: "cost_per_1000",
          title: "Cost of 1,000 requests",
          unit: "usd",
          better: "lower",
          kind: "mean",
          unanswered: null,
        },
      ],
      score: (_, { promptTokens, completionTokens }) => ({
        cost_per_1000:
          promptTokens === null || completionTokens === null
            ? null
            : (promptTokens * prices.promptUsdPerMillion + completionTokens * prices.completionUsdPerMillion) / 1000,
      }),
    };
  },
};
