/** What is asked of a judge about one record, and what its replies come to. */
import type { AnswerCounts } from "../decision-schema.ts";
import type { TestRecord } from "../evaluation-schema.ts";
import type { Judgement } from "../judgement-schema.ts";
import type { Message } from "../record-schema.ts";
import { pairwisePrompt, pointwisePrompt, readBetter, readScore } from "./judge-prompt.ts";
import { judgePreference, judgeScore } from "./llm-judge.ts";
import type { JudgeSettings, MetricValues, Preference } from "./metric.ts";

/** Share of the requests that may bring no reply that can be read; of more, the judge's metric has no values. */
export const toleratedFailures = 0.05;

/** A request to a judge. */
export interface JudgeRequest {
  order: Judgement["order"];
  /** All texts that are shown. */
  texts: string[];
  /** With the token that its marks hold. */
  messages(token: string): Message[];
}

/** Answers to one question; null for none. */
export interface AnswerPair {
  champion: string | null;
  challenger: string | null;
}

/** One request for an answer that is scored alone; none for a question without an answer. */
export function pointwiseRequests(judge: JudgeSettings, record: TestRecord, answer: string | null): JudgeRequest[] {
  if (answer === null) return [];
  const asked = shownOf(judge, record);
  const texts = [...textsOf(record), answer];
  return [{ order: "alone", texts, messages: (token) => pointwisePrompt(judge, asked, answer, token) }];
}

/** Two requests, one in each order, for answers that differ; none where the outcome is known without. */
export function pairwiseRequests(judge: JudgeSettings, record: TestRecord, pair: AnswerPair): JudgeRequest[] {
  const { champion, challenger } = pair;
  if (champion === null || challenger === null || champion === challenger) return [];
  const asked = shownOf(judge, record);
  const texts = [...textsOf(record), champion, challenger];
  return [
    {
      order: "champion-first",
      texts,
      messages: (token) => pairwisePrompt(judge, asked, { first: champion, second: challenger }, token),
    },
    {
      order: "challenger-first",
      texts,
      messages: (token) => pairwisePrompt(judge, asked, { first: challenger, second: champion }, token),
    },
  ];
}

/** The token of a request. */
export function tokenOf({ hash }: Pick<Judgement, "hash">): string {
  return hash.slice(0, 32);
}

/** Whether a reply says what was asked for. */
export function isReadable(judgement: Judgement): boolean {
  const { reply, order } = judgement;
  if (reply === null) return false;
  const token = tokenOf(judgement);
  return order === "alone" ? readScore(reply, token) !== null : readBetter(reply, token) !== null;
}

/** How many requests there were, and how many of them have no reply that can be read. */
export function countReplies(judgements: readonly Judgement[]): AnswerCounts {
  return { asked: judgements.length, failed: judgements.filter((judgement) => !isReadable(judgement)).length };
}

/** The value of an answer that was scored alone: 0..1, or null without a reply that can be read. */
export function scoreOf(judgements: readonly Judgement[]): MetricValues {
  const alone = judgements.find(({ order }) => order === "alone");
  const score = alone === undefined || alone.reply === null ? null : readScore(alone.reply, tokenOf(alone));
  return { [judgeScore.name]: score };
}

/**
 * The value of two answers. One that is there is better than none, and equal answers are a tie: both known without asking.
 * Null without two replies that can be read.
 */
export function preferenceOf(pair: AnswerPair, judgements: readonly Judgement[]): MetricValues {
  return { [judgePreference.name]: verdictOf(pair, judgements) };
}

function verdictOf({ champion, challenger }: AnswerPair, judgements: readonly Judgement[]): Preference | null {
  if (champion === challenger) return "tie";
  if (champion === null) return "gained";
  if (challenger === null) return "lost";
  const winners = (["champion-first", "challenger-first"] as const).map((order) => {
    const judgement = judgements.find((candidate) => candidate.order === order);
    const better = judgement?.reply == null ? null : readBetter(judgement.reply, tokenOf(judgement));
    if (better === null || better === "tie") return better;
    return (better === "first") === (order === "champion-first") ? "lost" : "gained";
  });
  const [one = null, other = null] = winners;
  if (one === null || other === null) return null;
  return one === other ? one : "split";
}

function shownOf({ reference }: JudgeSettings, { question, expected }: TestRecord) {
  return { question, expected: reference ? expected : null };
}

function textsOf({ question, expected }: TestRecord): string[] {
  return [...question.map(({ content }) => content), expected];
}
