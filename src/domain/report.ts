/** What reports and alerts say of a cycle in words. Names from outside stand as they are: whoever shows them escapes them. */
import { describeChosen } from "./checkpoint.ts";
import type { DecisionPolicy } from "./decide-schema.ts";
import { nameSome } from "./reading.ts";
import {
  amountText,
  differenceIntervalText,
  differenceText,
  intervalText,
  countText,
  shareText,
  valueText,
} from "./report-numbers.ts";
import type { CycleReport, Report, ReportMetric, StandingOut } from "./report-schema.ts";

/** Metrics that are named of each direction. */
const mostStandingOut = 10;

/** What happened, in a sentence of Markdown. */
export function summary(report: CycleReport): string {
  return `**${happened(report)}**`;
}

/**
 * Three sentences for somebody who reads nothing else: what happened, by how much and how sure that is, and what it means
 * for the traffic and for whoever is responsible.
 */
export function headline(
  report: CycleReport & Pick<Report, "metrics" | "policy" | "wouldChange">,
): [string, string, string] {
  const primary = report.metrics.find(({ role, subset }) => role === "primary" && subset === "test");
  return [happened(report), byHowMuch(report, primary), whatNow(report)];
}

/** What a policy asks of a challenger, in sentences. */
export function policySentences(
  policy: DecisionPolicy,
  about: (metric: string) => Pick<ReportMetric, "unit" | "better">,
): string[] {
  const { primary, minGain, alpha, floor, guards, unanswered, approval } = policy;
  const { unit, better } = about(primary);
  const sure = `with ${shareText(1 - alpha)} confidence`;
  return [
    `It must be better than the champion on ${primary} ${sure}, by at least ${amountText(minGain, unit)}; a first champion must be ${better === "lower" ? "below" : "above"} ${valueText(floor, unit)}.`,
    ...guards.map(({ metric, margin, relativeMargin, on }) => {
      const allowed =
        margin === undefined
          ? `${shareText(relativeMargin ?? 0)} of the champion's value`
          : amountText(margin, about(metric).unit);
      return `It must not be worse on ${metric}${on === "test" ? "" : ` of ${on}`} by more than ${allowed}, ${sure}.`;
    }),
    `No model may leave more than ${shareText(unanswered.maxRatio)} of its questions without an answer, and what is missing of one model only counts against the challenger.`,
    ...(approval === "none" ? [] : ["Somebody must agree before it gets traffic."]),
  ];
}

/** What got better and what got worse beyond chance, in a sentence; null where nothing was compared. */
export function beyondChanceSentence({
  beyondChance,
  metrics,
  policy,
}: Pick<Report, "beyondChance" | "metrics" | "policy">): string | null {
  if (beyondChance === null) return null;
  const { looked, better, worse } = beyondChance;
  const among = `Of ${countText(looked)} metrics and parts of the questions`;
  if (better.length + worse.length === 0)
    return `${among}, none differs beyond chance, when it counts how many were looked at.`;
  const said = ({ metric, subset }: StandingOut): string => {
    const row = metrics.find((candidate) => candidate.metric === metric && candidate.subset === subset);
    const difference = row?.difference ? ` (${differenceText(row.difference.value, row.unit)})` : "";
    return `${row?.title ?? metric}${subset === "test" ? "" : ` on ${subset}`}${difference}`;
  };
  const list = (how: string, all: readonly StandingOut[]): string[] => {
    const more = all.length > mostStandingOut ? ` and ${countText(all.length - mostStandingOut)} more` : "";
    return all.length === 0 ? [] : [`${how}: ${all.slice(0, mostStandingOut).map(said).join("; ")}${more}.`];
  };
  const which = [...list("Better", better), ...list("Worse", worse)].join(" ");
  return `${among}, these differ beyond chance. ${which} The chance that any of them is listed wrongly is ${alphaOf(policy)} at most.`;
}

/** Shares of the traffic, with the same one in a row as one: a rollout has two at 100 %, its last step and the time after it. */
export function sharesInOrder(shares: NonNullable<CycleReport["rollout"]>): NonNullable<CycleReport["rollout"]> {
  const merged: NonNullable<CycleReport["rollout"]> = [];
  for (const share of shares) {
    const last = merged.at(-1);
    if (last?.percent !== share.percent) merged.push({ ...share });
    else Object.assign(last, { seconds: last.seconds + share.seconds, looks: last.looks + share.looks });
  }
  return merged;
}

/** A warning when models were trained on what they are asked, or null. */
export function leakWarning({ leaked }: Pick<CycleReport, "leaked">): string | null {
  if (leaked === null || leaked === 0) return null;
  return `${leaked} training records ask a question of the test set: scores of models trained on them say too much.`;
}

/** Which checkpoint answers for the challenger, by which number and among how many; null where there was nothing to choose. */
export function chosenSentence({
  cycle,
  training,
  metrics,
}: Pick<Report, "cycle" | "training" | "metrics">): string | null {
  const chosen = training?.chosen ?? null;
  if (chosen === null) return null;
  return describeChosen(cycle, chosen, metrics.find(({ metric }) => metric === chosen.metric)?.unit ?? "ratio");
}

/** Which sources had failed when the dataset version was made, or null. */
export function missingSources({ failedSources }: Pick<CycleReport, "failedSources">): string | null {
  const sources = Object.keys(failedSources);
  return sources.length === 0 ? null : `The dataset version was made without the newest of ${nameSome(sources)}.`;
}

function happened(report: CycleReport): string {
  const challenger = report.challenger?.version ?? report.cycle;
  const champion = report.champion?.version;
  switch (report.outcome) {
    case "promoted":
      return champion === undefined
        ? `${challenger} is the first champion.`
        : `${challenger} is the new champion; it replaces ${champion}.`;
    case "kept":
      if (champion !== undefined) {
        return report.approval === null
          ? `${champion} stays champion; ${challenger} got no traffic.`
          : `${challenger} has won and was not agreed to; ${champion} stays champion.`;
      }
      return report.approval === null
        ? `${challenger} is not good enough to be the first champion.`
        : `${challenger} is good enough to be the first champion and was not agreed to.`;
    case "inconclusive":
      return `It cannot be told whether ${challenger} is good enough; ${stays(champion)}.`;
    case "rolled-back":
      return `${challenger} won but could not be rolled out; ${stays(champion)}.`;
    case "failed":
      return isServiceChanged(report)
        ? "The cycle failed, for the service was changed beside it; it has moved no champion."
        : `The cycle failed; ${stays(champion)}.`;
    case "cancelled":
      return `The cycle was cancelled; ${stays(champion)}.`;
  }
}

/** Then the champion may be another one than the cycle has found, and need not be what answers. */
function isServiceChanged({ failure }: CycleReport): boolean {
  return failure?.startsWith("ServiceChanged:") ?? false;
}

function stays(champion: string | undefined): string {
  return champion === undefined ? "there is no champion yet" : `${champion} stays champion`;
}

function byHowMuch(report: CycleReport & Pick<Report, "policy">, primary?: ReportMetric): string {
  const { champion, policy } = report;
  const challenger = primary?.arms.challenger;
  if (primary === undefined || challenger === undefined) return whyNothing(report);
  const { title, unit, total, difference, arms } = primary;
  const scored = (model: string, value: number): string => `${model} scores ${valueText(value, unit)}`;
  const own = `By the deciding metric, ${title}, ${scored(report.challenger?.version ?? report.cycle, challenger.value)}`;
  if (difference === null || arms.champion === undefined || champion === null) {
    const sure =
      challenger.interval === null ? "" : sureText(intervalText(challenger.interval, unit), confidenceOf(policy));
    const side = primary.better === "lower" ? "less" : "more";
    const floor = policy === null ? "" : `; a first champion needs ${side} than ${valueText(policy.floor, unit)}`;
    return `${own} on ${countText(total)} questions${sure}${floor}.`;
  }
  const interval = difference.interval && differenceIntervalText(difference.interval, unit);
  const sure = interval === null ? "" : sureText(interval, shareText(difference.confidence));
  const other = scored(champion.version, arms.champion.value).replace(" scores", "");
  return `${own} and ${other} on the same ${countText(total)} questions: ${differenceText(difference.value, unit)}${sure}.`;
}

function sureText(interval: string, confidence: string): string {
  return `, and with ${confidence} confidence ${interval}`;
}

function whyNothing({ testSet, phases }: Pick<CycleReport, "testSet" | "phases">): string {
  const last = Object.keys(phases).at(-1);
  if (testSet === null) return "Nothing was trained and nothing was measured.";
  return `Nothing was measured${last === undefined ? "" : `: the cycle got as far as ${last}`}.`;
}

function whatNow(report: CycleReport & Pick<Report, "wouldChange">): string {
  const champion = report.champion?.version;
  const served = champion === undefined ? "No model gets traffic" : `${champion} goes on answering all traffic`;
  const traffic = isServiceChanged(report)
    ? `tuneloop models ${report.pipeline} says which model is champion now`
    : served;
  switch (report.outcome) {
    case "promoted":
      return "It answers all traffic now; nothing is left to do.";
    case "kept":
      return `${traffic}; nothing is left to do, and the next cycle begins when there is enough new feedback.`;
    case "inconclusive":
      return `${traffic}. ${report.wouldChange[0] ?? "More feedback may tell: the next cycle begins when there is enough of it."}`;
    case "rolled-back":
      return `${traffic}. See below what went wrong with the new one, mend it, and start a cycle again by the order runNow.`;
    case "failed":
      return `${traffic}. See below why it failed, mend that, and start a cycle again by the order runNow.`;
    case "cancelled":
      return `${traffic}, and nothing of the cycle is left running; the order runNow starts one again.`;
  }
}

/** How sure the intervals are. */
export function confidenceSentence({ metrics, policy }: Pick<Report, "metrics" | "policy">): string {
  const differences = metrics.flatMap(({ difference }) => difference ?? []);
  const values = `Intervals of values are at ${confidenceOf(policy)}`;
  if (differences.length === 0) return `${values}.`;
  if (!metrics.some(({ difference, role }) => difference !== null && role === "guard"))
    return `${values}, and so are those of differences.`;
  return `${values}; those of differences say at how much: a guard is a one-sided test, and its interval the one of which the decision takes an end.`;
}

function alphaOf(policy: DecisionPolicy | null): string {
  return shareText(policy?.alpha ?? 0.05);
}

function confidenceOf(policy: DecisionPolicy | null): string {
  return shareText(1 - (policy?.alpha ?? 0.05));
}
