/**
 * Whether decisions keep what they promise: how often one of two equal models is promoted over the other, how often a better
 * one is found on as many records as a decision said it would take, and how often a guard lets a loss of its margin pass.
 */
import type { Comparison } from "../../src/domain/comparison-schema.ts";
import type { Guard } from "../../src/domain/decide-schema.ts";
import { newcombePairedInterval, tangoInterval } from "../../src/domain/statistics/paired-proportions.ts";
import { compare, decideOn, policyOn, seeded, tasks, type Pair, type Task } from "./models.ts";

export interface DecisionFigures {
  /** The largest of those below; at most alpha, 0.05. */
  falsePromotionRate: number;
  falsePromotionRateBinary: number;
  falsePromotionRateMean: number;
  falsePromotionRateMacroF1: number;
  falsePromotionRateP95: number;
  /** Share of promotions of a better model, on as many records as an undecided decision asked for; 0.8 is promised. */
  powerBinary: number;
  powerMean: number;
  powerGuard: number;
  /** Share of guards passed by a challenger that is worse by just the margin, at worst; at most about alpha, 0.05. */
  guardPassRate: number;
  /** The same with Newcombe's interval in place of Tango's. */
  guardPassRateNewcombe: number;
  /** Milliseconds to compare two means on 5,000 records with 2,000 resamples. */
  compareMs5000: number;
}

const repetitions = 2000;

export async function bench(report: (line: string) => void): Promise<DecisionFigures> {
  const worst = (name: keyof typeof tasks, sizes: number[]): number =>
    Math.max(...sizes.map((records) => falsePromotions(tasks[name], records, report)));
  const rates = {
    falsePromotionRateBinary: worst("binary", [50, 200, 1000, 5000]),
    falsePromotionRateMean: worst("mean", [50, 200, 1000, 5000]),
    falsePromotionRateMacroF1: worst("macroF1", [50, 1000]),
    falsePromotionRateP95: worst("p95", [50, 1000]),
  };
  return {
    falsePromotionRate: Math.max(...Object.values(rates)),
    ...rates,
    powerBinary: powerAtStated(tasks.binary, (random) => [random() < 0.75, random() < 0.8], report),
    powerMean: powerAtStated(tasks.mean, (random) => lifted(tasks.mean.draw(random)), report),
    powerGuard: guardPowerAtStated(report),
    guardPassRate: guardPasses((counts) => tangoInterval(counts, 0.9).lower),
    guardPassRateNewcombe: guardPasses((counts) => newcombePairedInterval(counts, 0.9).lower),
    compareMs5000: timeOf5000(),
  };
}

/** Two equal models: on each record of one sample, chance says which answer is whose. With 200 resamples above 50 records. */
function falsePromotions(task: Task, records: number, report: (line: string) => void): number {
  const random = seeded(records);
  const policy = policyOn(task.metric);
  const resamples = records > 50 ? 200 : 2000;
  let promoted = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const pairs = Array.from({ length: records }, (): Pair => {
      const [one, other] = task.draw(random);
      return random() < 0.5 ? [one, other] : [other, one];
    });
    if (decideOn([compare(task, pairs, policy, resamples)], policy).outcome === "promote") promoted++;
  }
  report(`${task.metric}, equal models, ${records} records: promoted ${promoted} of ${repetitions} times`);
  return promoted / repetitions;
}

/** The first undecided decision on 150 records says how many it takes, if what it saw is the truth; then that is the truth. */
function powerAtStated(task: Task, draw: (random: () => number) => Pair, report: (line: string) => void): number {
  const random = seeded(7);
  const policy = policyOn(task.metric, { minGain: 0.01 });
  for (;;) {
    const pilot = Array.from({ length: 150 }, () => draw(random));
    const comparison = compare(task, pilot, policy);
    const records = statedRecords(decideOn([comparison], policy).wouldChange);
    if (records === null || gainOf(comparison) < 2 * policy.minGain) continue;
    let promoted = 0;
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const pairs = Array.from({ length: records }, () => pick(pilot, random));
      if (decideOn([compare(task, pairs, policy, 200)], policy).outcome === "promote") promoted++;
    }
    report(`${task.metric}, ${records} records said to be needed: promoted ${promoted} of ${repetitions} times`);
    return promoted / repetitions;
  }
}

/** The same of a guard of 2 points that could not tell on 150 records; the primary metric is better beyond doubt. */
function guardPowerAtStated(report: (line: string) => void): number {
  const random = seeded(11);
  const guard: Guard = { metric: "accuracy", margin: 0.02, on: "test" };
  const policy = policyOn("better", { guards: [guard] });
  const better = {
    ...compare(
      tasks.binary,
      Array.from({ length: 100 }, (): Pair => [false, true]),
      policy,
    ),
    metric: "better",
  };
  const draw = (): Pair => {
    const both = random() < 0.8;
    return random() < 0.95 ? [both, both] : random() < 0.5 ? [true, false] : [false, true];
  };
  const first = Array.from({ length: 150 }, draw);
  const records = statedRecords(decideOn([better, compare(tasks.binary, first, policy)], policy).wouldChange) ?? 150;
  let passed = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const pairs = Array.from({ length: records }, draw);
    if (decideOn([better, compare(tasks.binary, pairs, policy)], policy).outcome === "promote") passed++;
  }
  report(`guard, ${records} records said to be needed: passed ${passed} of ${repetitions} times`);
  return passed / repetitions;
}

/** Over sizes, margins and shares of pairs that differ, down to where all that differs is lost. */
function guardPasses(
  lowerOf: (counts: { both: number; gained: number; lost: number; total: number }) => number,
): number {
  const random = seeded(13);
  const rates = [50, 200, 1000].flatMap((total) =>
    [0.02, 0.05, 0.1].flatMap((margin) =>
      [margin, 2 * margin, 4 * margin].map((differing) => {
        let passed = 0;
        for (let repetition = 0; repetition < 5 * repetitions; repetition++) {
          const counts = { both: 0, gained: 0, lost: 0, total };
          for (let record = 0; record < total; record++) {
            const at = random();
            if (at < (differing - margin) / 2) counts.gained++;
            else if (at < differing) counts.lost++;
            else if (at < differing + 0.8 * (1 - differing)) counts.both++;
          }
          if (lowerOf(counts) >= -margin) passed++;
        }
        return passed / (5 * repetitions);
      }),
    ),
  );
  return Math.max(...rates);
}

function timeOf5000(): number {
  const random = seeded(17);
  const pairs = Array.from({ length: 5000 }, () => tasks.mean.draw(random));
  const startedMs = performance.now();
  compare(tasks.mean, pairs, policyOn("token_f1"));
  return Math.round(performance.now() - startedMs);
}

function lifted([champion, challenger]: Pair): Pair {
  return [champion, Math.min(1, Number(challenger) + 0.03)];
}

function pick(pairs: readonly Pair[], random: () => number): Pair {
  return pairs[Math.floor(random() * pairs.length)] ?? [null, null];
}

function gainOf(comparison: Comparison): number {
  if (comparison.kind === "binary") return (comparison.gained - comparison.lost) / comparison.total;
  return comparison.kind === "mean" ? (comparison.difference?.value ?? 0) : 0;
}

function statedRecords(wouldChange: readonly string[]): number | null {
  const said = wouldChange.map((sentence) => /about ([\d,]+) records would show it/.exec(sentence)?.[1]).find(Boolean);
  return said === undefined ? null : Number(said.replaceAll(",", ""));
}
