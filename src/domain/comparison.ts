/** Two models on the same records, by every metric and subset: the numbers that decisions and reports rest on. */
import type { Comparison, UnusableComparison } from "./comparison-schema.ts";
import type { ScoredAnswers } from "./evaluation.ts";
import type { Metric, MetricPack, MetricValue } from "./metrics/metric.ts";
import { compareNumbers } from "./numeric-comparison.ts";
import { worstCaseOf, type Compared, type PairedValues, type ValuesToCompare } from "./paired-values.ts";

/** Whom to compare, and how. */
export interface ArmsToCompare {
  /** Null without a champion. */
  champion: ScoredAnswers | null;
  challenger: ScoredAnswers;
  /** Those that both were scored by. */
  packs: readonly MetricPack[];
  /** The policy's. */
  alpha: number;
  /** Of the bootstrap; default as many as `alpha` asks for. */
  resamples?: number;
}

/** Share of the answered records that may have a value of one model only; of more, what counts is not a fair choice. */
const mostOneSided = 0.05;

/** One record that counts, by the places that it has in the lists of both models. */
interface PairedPlaces {
  challenger: number;
  champion: number | null;
}

/**
 * Compares two models by every metric of the packs, on every subset of the challenger's, one after the other, so that the
 * caller may see to other things in between: the resampling of 5,000 records takes a tenth of a second.
 *
 * Records that only one of both was asked do not count, nor those without a value. The same answers give the same numbers on
 * every machine and in whatever order they are. A metric with a value that is no number is `unusable` and has none, and so
 * is one that more than 5 % of the answers have of one model only: what a model has no value for may be what it is bad at.
 * Below that, `worstCase` says what it would come to at worst.
 */
export function* compareArms(arms: ArmsToCompare): Generator<Comparison, void, undefined> {
  const { champion, challenger, packs } = arms;
  const places = new Map(champion?.ids.map((id, place) => [id, place]));
  for (const [subset, of] of Object.entries(challenger.subsets)) {
    const paired = of.flatMap((place): PairedPlaces[] => {
      const other = places.get(challenger.ids[place] ?? "") ?? null;
      return champion !== null && other === null ? [] : [{ challenger: place, champion: other }];
    });
    const byId = ({ challenger: place }: PairedPlaces): string => challenger.ids[place] ?? "";
    const ordered = paired.toSorted((a, b) => (byId(a) < byId(b) ? -1 : 1));
    for (const pack of packs) {
      for (const metric of pack.metrics) {
        if (metric.kind === "preference" && champion === null) continue;
        yield compareMetric({ ...arms, pack, metric, subset, paired: ordered });
      }
    }
  }
}

/** {@link compareArms} to its end. */
export function compareAll(arms: ArmsToCompare): Comparison[] {
  return [...compareArms(arms)];
}

interface MetricToCompare extends ArmsToCompare {
  pack: MetricPack;
  metric: Metric;
  subset: string;
  paired: readonly PairedPlaces[];
}

function compareMetric({ champion, challenger, pack, metric, subset, paired, ...how }: MetricToCompare): Comparison {
  const { name, kind, unit, better } = metric;
  const common = { metric: name, subset, unit, better };
  const unusable = (reason: string): UnusableComparison => ({
    ...common,
    kind: "unusable",
    total: paired.length,
    reason,
  });
  const wrong = challenger.unusable[name] ?? champion?.unusable[name];
  if (wrong !== undefined) return unusable(wrong);
  const attack = challenger.columns[name];
  const defence = champion?.columns[name];
  const isOfTwo = kind !== "preference" && champion !== null;
  if (attack === undefined || (isOfTwo && defence === undefined)) {
    return unusable(`${name} was not measured for ${attack === undefined ? "the challenger" : "the champion"}`);
  }
  const lacksOne = ({ challenger: place, champion: other }: PairedPlaces): boolean =>
    isOfTwo &&
    other !== null &&
    challenger.answered[place] === true &&
    champion.answered[other] === true &&
    ((attack[place] ?? null) === null) !== ((defence?.[other] ?? null) === null);
  const lacking = paired.filter(lacksOne).length;
  if (lacking > mostOneSided * paired.length) {
    return unusable(`${lacking} of ${paired.length} records have a value of ${name} for one of both models only`);
  }
  const all = paired.map(({ challenger: place, champion: other }): PairedValues => {
    const against = other === null ? null : (defence?.[other] ?? null);
    // What neither of both answered is not missing of one of them, and counts as the metric says.
    const isAlone = other !== null && champion?.answered[other] === false && challenger.answered[place] === true;
    const isChampionSilent = isAlone && metric.over !== "asked";
    return { challenger: attack[place] ?? null, champion: against, isChampionSilent };
  });
  const hasBoth = (pair: PairedValues): boolean => pair.challenger !== null && (!isOfTwo || pair.champion !== null);
  const hasOne = (pair: PairedValues): boolean => !isOfTwo || pair.challenger !== null || pair.champion !== null;
  const values = all.filter(hasBoth);
  const hasChampion = champion !== null;
  const oneSided = hasChampion ? all.filter((pair) => !hasBoth(pair) && hasOne(pair)) : [];
  const compared = compareValues({ pack, metric, values, oneSided, hasChampion, ...how });
  return typeof compared === "string" ? unusable(compared) : { ...common, total: values.length, ...compared };
}

function compareValues(compare: ValuesToCompare): Compared {
  switch (compare.metric.kind) {
    case "binary":
      return comparePairs(compare);
    case "mean":
    case "statistic":
      return compareNumbers(compare, compare.metric.kind);
    case "preference":
      return comparePreferences(compare);
  }
}

function comparePairs(compare: ValuesToCompare): Compared {
  const { metric, values, hasChampion } = compare;
  const { name, better } = metric;
  const isRightOrWrong = (value: MetricValue): boolean => typeof value === "boolean";
  const areAll = values.every(
    (pair) => isRightOrWrong(pair.challenger) && (!hasChampion || isRightOrWrong(pair.champion)),
  );
  if (!areAll) return `${name} has a value that is neither true nor false`;
  const counts = (of: readonly PairedValues[]) => ({
    championRight: of.filter(({ champion }) => champion === true).length,
    challengerRight: of.filter(({ challenger }) => challenger === true).length,
    gained: of.filter(({ champion, challenger }) => challenger === true && champion !== true).length,
    lost: of.filter(({ champion, challenger }) => challenger !== true && champion === true).length,
  });
  const counted = counts(values);
  if (!hasChampion) return { kind: "binary", ...counted, championRight: null, gained: 0, worstCase: null };
  const worst = worstCaseOf(compare, { best: better === "higher", worst: better !== "higher" });
  const worstCase = worst && { missing: worst.missing, total: worst.values.length, ...counts(worst.values) };
  return { kind: "binary", ...counted, worstCase };
}

function comparePreferences({ metric: { name }, values, oneSided }: ValuesToCompare): Compared {
  const countOf = (of: readonly PairedValues[], ...verdicts: string[]): number =>
    of.filter(({ challenger }) => typeof challenger === "string" && verdicts.includes(challenger)).length;
  const count = (...verdicts: string[]): number => countOf(values, ...verdicts);
  if (count("gained", "lost", "tie", "split") < values.length) return `${name} has a value that is no verdict`;
  const judged = values.filter(({ isChampionSilent }) => !isChampionSilent);
  // Of two answers without a verdict nobody knows which is better.
  const missing = values.length - judged.length + oneSided.length;
  return {
    kind: "preference",
    gained: count("gained"),
    lost: count("lost"),
    agreed: count("gained", "lost", "tie"),
    worstCase:
      missing === 0
        ? null
        : {
            missing,
            total: values.length + oneSided.length,
            gained: countOf(judged, "gained"),
            lost: countOf(judged, "lost") + missing,
          },
  };
}
