import { decideSchema } from "../domain/decide-schema.ts";
import type { EvaluatePolicy } from "../domain/evaluate-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import type { MetricPack, Vocabulary } from "../domain/metrics/metric.ts";
import type { MetricCatalog } from "../ports.ts";
import { UsageError } from "./usage-error.ts";

/** The packs that are chosen, or else fit the expected answers. Throws UsageError that names what is wrong with a choice. */
export async function openPacks(
  catalog: MetricCatalog,
  evaluate: EvaluatePolicy,
  { expected, vocabulary }: { expected: readonly string[]; vocabulary: Vocabulary },
): Promise<MetricPack[]> {
  const { metrics, prices } = evaluate;
  try {
    const chosen =
      metrics === "auto"
        ? (await catalog.resolve({ evaluate, decide: decideSchema.parse({}) }, expected)).metrics
        : metrics;
    return await catalog.open(chosen, { vocabulary, prices });
  } catch (error) {
    if (!(error instanceof TypedFailure)) throw error;
    throw new UsageError(error.message.replace(/^evaluate\.metrics/, "--metrics"), { cause: error });
  }
}
