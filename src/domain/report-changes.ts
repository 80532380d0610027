/** Which answers changed between two models, and which of them a report shows. */
import type { Prediction, TestRecord } from "./evaluation-schema.ts";
import type { ScoredAnswers } from "./evaluation.ts";
import type { Metric, MetricValue } from "./metrics/metric.ts";
import type { Answer, ChangedAnswer, Changes, CutText, Direction } from "./report-schema.ts";

/** Changed answers that a report shows in full. */
const mostShown = 200;
/** Characters of a text that a report shows. */
const longestText = 1500;
/** Messages of a question that a report shows, the last ones. */
const mostMessages = 8;
/** Bytes that all shown texts may take in a page, with everything escaped and every word marked. */
const mostBytes = 1_300_000;
/** Difference of a graded metric below which an answer counts as the same. */
const noticeable = 0.05;

/** A record whose answer changed. */
export interface ChangedRecord {
  id: string;
  direction: Direction;
  metrics: Record<string, Direction>;
  /** How much changed; more is shown first. */
  weight: number;
}

/**
 * Records that both models were asked and whose answers one metric at least tells apart: right and wrong, shares that
 * differ by 5 points, and what a judge prefers. Times, lengths and costs differ for every answer, and say nothing here.
 * The most telling first; the same for the same answers.
 */
export function changedRecords(
  champion: ScoredAnswers,
  challenger: ScoredAnswers,
  metrics: readonly Metric[],
  primary: string,
): ChangedRecord[] {
  const places = new Map(champion.ids.map((id, place) => [id, place]));
  const changed = challenger.ids.flatMap((id, place): ChangedRecord[] => {
    const other = places.get(id);
    if (other === undefined) return [];
    const gains = metrics.flatMap((metric) => {
      const gain = gainOf(metric, champion.columns[metric.name]?.[other], challenger.columns[metric.name]?.[place]);
      return Math.abs(gain) < noticeable ? [] : [[metric.name, gain] as const];
    });
    return gains.length === 0 ? [] : [changeOf(id, gains, primary)];
  });
  return changed.toSorted((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1));
}

/** A change with its texts. */
export interface FoundChange {
  change: ChangedRecord;
  record: TestRecord;
  subsets: string[];
  champion: Prediction;
  challenger: Prediction;
}

/** A change as it is shown: long texts are let go of. */
export function shownChange({ change, record, subsets, champion, challenger }: FoundChange): ChangedAnswer {
  const { id, direction, metrics } = change;
  return {
    id,
    direction,
    metrics,
    subsets,
    question: record.question.slice(-mostMessages).map(({ role, content }) => ({ role, content: cutTo(content) })),
    expected: cutTo(record.expected),
    champion: answerOf(champion),
    challenger: answerOf(challenger),
  };
}

/** Those to be shown in full, as many of each direction as there is room for. */
export function choiceOf(changed: readonly ChangedRecord[]): ChangedRecord[] {
  const half = mostShown / 2;
  const worse = changed.filter(({ direction }) => direction === "worse");
  const better = changed.filter(({ direction }) => direction === "better");
  const fewer = Math.min(worse.length, better.length, half);
  const [keepWorse, keepBetter] =
    worse.length <= better.length ? [fewer, mostShown - fewer] : [mostShown - fewer, fewer];
  const kept = new Set([...worse.slice(0, keepWorse), ...better.slice(0, keepBetter)]);
  return changed.filter((change) => kept.has(change));
}

/** The part of a report about changes: counts of all, and of those to be shown as many as fit into a page. */
export function reportChanges(changed: readonly ChangedRecord[], toShow: readonly ChangedAnswer[]): Changes {
  const rank = new Map(changed.map(({ id }, index) => [id, index]));
  const ordered = inTurns(toShow.toSorted((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0)));
  const instructions = sharedInstructions(ordered);
  const shown: ChangedAnswer[] = [];
  let bytes = 0;
  for (const answer of ordered) {
    const one = instructions === null ? answer : { ...answer, question: answer.question.slice(1) };
    bytes += bytesOf(one);
    if (bytes > mostBytes) break;
    shown.push(one);
  }
  const count = (direction: Direction): number => changed.filter((change) => change.direction === direction).length;
  return { better: count("better"), worse: count("worse"), instructions, shown };
}

/** One that got worse, one that got better, and so on: neither hides the other. */
function inTurns(answers: readonly ChangedAnswer[]): ChangedAnswer[] {
  const worse = answers.filter(({ direction }) => direction === "worse");
  const better = answers.filter(({ direction }) => direction === "better");
  const turns = Array.from({ length: Math.max(worse.length, better.length) }, (_, turn) => [worse[turn], better[turn]]);
  return turns.flat().filter((answer) => answer !== undefined);
}

/** More is better; 0 where the metric says nothing of the pair. */
function gainOf(
  { kind, unit, better }: Metric,
  before: MetricValue | undefined,
  after: MetricValue | undefined,
): number {
  if (kind === "preference") return after === "gained" ? 1 : after === "lost" ? -1 : 0;
  if (better === "neither" || unit !== "ratio" || kind === "statistic") return 0;
  const [from, to] = [shareOf(before), shareOf(after)];
  if (from === null || to === null) return 0;
  return better === "higher" ? to - from : from - to;
}

function shareOf(value: MetricValue | undefined): number | null {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" ? value : null;
}

function changeOf(id: string, gains: readonly (readonly [string, number])[], primary: string): ChangedRecord {
  const ofPrimary = gains.find(([name]) => name === primary)?.[1] ?? 0;
  const sum = gains.reduce((total, [, gain]) => total + gain, 0);
  const all = gains.reduce((total, [, gain]) => total + Math.abs(gain), 0);
  return {
    id,
    // An even balance counts as worse: it is what somebody should look at.
    direction: (ofPrimary === 0 ? sum : ofPrimary) > 0 ? "better" : "worse",
    metrics: Object.fromEntries(gains.map(([name, gain]) => [name, gain > 0 ? "better" : "worse"])),
    weight: Math.abs(ofPrimary) * gains.length * 2 + all,
  };
}

/** The system message with which all questions begin; null when they do not share one. */
function sharedInstructions(answers: readonly ChangedAnswer[]): CutText | null {
  const [first, ...others] = answers.map(({ question }) => question[0]);
  if (first?.role !== "system") return null;
  const isShared = others.every((message) => message?.role === "system" && message.content.text === first.content.text);
  return isShared ? first.content : null;
}

function answerOf({ answer, error }: Prediction): Answer {
  return { answer: answer === null ? null : cutTo(answer), error: error === null ? null : error.slice(0, 300) };
}

function cutTo(text: string): CutText {
  if (text.length <= longestText) return { text, isCut: false };
  // Not between the halves of a character.
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(longestText - 1));
  return { text: text.slice(0, longestText - (isHalf ? 1 : 0)), isCut: true };
}

function bytesOf({ question, expected, champion, challenger }: ChangedAnswer): number {
  const plain = [...question.map(({ content }) => content), expected];
  const marked = [champion.answer, challenger.answer].filter((answer) => answer !== null);
  const frame = 1500;
  return frame + sum(plain.map(escapedBytes)) + sum(marked.map((text) => escapedBytes(text) + markBytes(text)));
}

/** At most: controls are shown by their code points, and what HTML would take for its own is escaped. */
function escapedBytes({ text }: CutText): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += /[&<>"']/.test(character)
      ? 6
      : code >= 0x20 && code < 0x7f
        ? 1
        : /[\p{L}\p{N}\p{P}\p{S}\n\t]/u.test(character)
          ? 4
          : 15;
  }
  return bytes;
}

/** At most: every word of its own between marks. */
function markBytes({ text }: CutText): number {
  return (text.match(/\w+|[^\w\s]/g)?.length ?? 0) * 11;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
