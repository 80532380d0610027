/** Comparison of metrics that are a number over all records: means and statistics. */
import type { Interval } from "./comparison-schema.ts";
import type { MetricValue } from "./metrics/metric.ts";
import { packFailure } from "./metrics/pack-failure.ts";
import { worstCaseOf, type Compared, type Ends, type PairedValues, type ValuesToCompare } from "./paired-values.ts";
import {
  bootstrapInterval,
  pairedBootstrap,
  type ResampledPair,
  type Resampling,
  type WeightedStatistic,
} from "./statistics/bootstrap.ts";

type StatisticOf = (values: readonly MetricValue[]) => WeightedStatistic;

/** Values of a ratio lie between these. */
const ratioBounds: Interval = { lower: 0, upper: 1 };

/** Compares two models' means or statistics by the paired bootstrap; words instead of numbers where there are none. */
export function compareNumbers(compare: ValuesToCompare, kind: "mean" | "statistic"): Compared {
  const { metric, pack, values, hasChampion } = compare;
  const wrong = kind === "mean" ? whyNoMean(compare) : null;
  if (wrong !== null) return wrong;
  if (values.length < 2) return `${metric.name} has a value for ${values.length} records only`;
  const statisticOf = kind === "mean" ? meanOf : pack.statistics?.[metric.name];
  if (statisticOf === undefined) return `metric pack ${pack.name} has no statistic ${metric.name}`;
  try {
    return hasChampion ? compareBoth(compare, kind, statisticOf) : measureOne(compare, kind, statisticOf);
  } catch (error) {
    return packFailure(pack.name, error);
  }
}

function whyNoMean({ metric: { name, unit }, values, hasChampion }: ValuesToCompare): string | null {
  const all = values.flatMap(({ challenger, champion }) => (hasChampion ? [challenger, champion] : [challenger]));
  if (!all.every(isNumber)) return `${name} has a value that is no finite number`;
  const isRatio = (value: number): boolean => value >= ratioBounds.lower && value <= ratioBounds.upper;
  return unit === "ratio" && !all.every(isRatio) ? `${name} is a ratio and has a value outside 0 to 1` : null;
}

function measureOne(compare: ValuesToCompare, kind: "mean" | "statistic", statisticOf: StatisticOf): Compared {
  const statistic = statisticOf(compare.values.map(({ challenger }) => challenger));
  const challenger = statistic();
  if (!isNumber(challenger)) return `${compare.metric.name} has no value over the records that there are`;
  const challengerInterval = bootstrapInterval(statistic, resampling(compare, compare.values.length));
  return {
    kind,
    champion: null,
    championInterval: null,
    challenger,
    challengerInterval,
    difference: null,
    worstCase: null,
  };
}

function compareBoth(compare: ValuesToCompare, kind: "mean" | "statistic", statisticOf: StatisticOf): Compared {
  const { metric, values } = compare;
  const champion = statisticOf(values.map((pair) => pair.champion))();
  const challenger = statisticOf(values.map((pair) => pair.challenger))();
  if (!isNumber(champion) || !isNumber(challenger)) {
    return `${metric.name} has no value over the records of ${isNumber(champion) ? "the challenger" : "the champion"}`;
  }
  const asCounted = resample(compare, values, statisticOf);
  return {
    kind,
    champion,
    championInterval: asCounted?.championInterval ?? null,
    challenger,
    challengerInterval: asCounted?.challengerInterval ?? null,
    difference: asCounted?.difference ?? null,
    worstCase: worstCase(compare, kind, statisticOf),
  };
}

function worstCase(compare: ValuesToCompare, kind: "mean" | "statistic", statisticOf: StatisticOf) {
  const { metric, values, oneSided } = compare;
  const told = (missing: number, pairs: readonly PairedValues[] | null) => ({
    missing,
    total: (pairs ?? values).length,
    difference: pairs && (resample(compare, pairs, statisticOf)?.difference ?? null),
  });
  if (kind === "mean" && metric.unit === "ratio") {
    const { lower, upper } = ratioBounds;
    const isHigher = metric.better === "higher";
    const worst = worstCaseOf(compare, isHigher ? { best: upper, worst: lower } : { best: lower, worst: upper });
    return worst && told(worst.missing, worst.values);
  }
  // Without a best value there is none to give to a silent champion: its questions are left out.
  const isHeard = ({ isChampionSilent }: PairedValues): boolean => !isChampionSilent;
  const heard = { ...compare, values: values.filter(isHeard), oneSided: oneSided.filter(isHeard) };
  const missing = values.length - heard.values.length + heard.oneSided.length;
  if (metric.better === "neither" || missing === 0) return null;
  if (heard.oneSided.length === 0) return told(missing, heard.values);
  const ends = seenEnds(heard);
  return told(missing, ends && (worstCaseOf(heard, ends)?.values ?? null));
}

/** The best and the worst value that any model has of any record; null where values are no numbers. */
function seenEnds({ metric, values, oneSided }: ValuesToCompare): Ends | null {
  const seen = [...values, ...oneSided].flatMap(({ champion, challenger }) => [champion, challenger]);
  const numbers = seen.filter((value) => value !== null);
  if (!numbers.every(isNumber)) return null;
  const sorted = Float64Array.from(numbers).sort();
  const [least = null, most = null] = [sorted.at(0), sorted.at(-1)];
  return metric.better === "higher" ? { best: most, worst: least } : { best: least, worst: most };
}

function resample(
  compare: ValuesToCompare,
  values: readonly PairedValues[],
  statisticOf: StatisticOf,
): ResampledPair | null {
  if (values.length < 2) return null;
  const champion = values.map((pair) => pair.champion);
  const challenger = values.map((pair) => pair.challenger);
  const statistics = {
    champion: statisticOf(champion),
    challenger: statisticOf(challenger),
    pooled: statisticOf([...champion, ...challenger]),
  };
  return pairedBootstrap(statistics, resampling(compare, values.length));
}

function resampling({ metric, alpha, resamples }: ValuesToCompare, records: number): Resampling {
  return {
    records,
    alpha,
    ...(resamples === undefined ? {} : { resamples }),
    ...(metric.unit === "ratio" ? { bounds: ratioBounds } : {}),
  };
}

function meanOf(values: readonly MetricValue[]): WeightedStatistic {
  const numbers = Float64Array.from(values, (value) => (isNumber(value) ? value : Number.NaN));
  const once = new Uint32Array(numbers.length).fill(1);
  return (weights = once) => {
    let sum = 0;
    let total = 0;
    for (let index = 0; index < numbers.length; index++) {
      const weight = weights[index] ?? 0;
      sum += weight * (numbers[index] ?? 0);
      total += weight;
    }
    return total === 0 ? null : sum / total;
  };
}

function isNumber(value: MetricValue): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
