/** What is asked of a model and how far that is. */
import type { AskingProgress } from "./evaluation-schema.ts";
import type { Message } from "./record-schema.ts";

/** Characters of a reason that are shown. */
const longestReason = 300;

/** A question that has been answered before it is asked: what a model is shown to learn from. */
export interface Example {
  question: readonly Message[];
  answer: string;
}

/**
 * The question with examples before it, each a turn of user and assistant: after the question's own instructions, which
 * hold for the examples as well, so that theirs are left out.
 */
export function withExamples(question: readonly Message[], examples: readonly Example[]): Message[] {
  const asked = question.findIndex(({ role }) => role !== "system");
  const at = asked === -1 ? question.length : asked;
  const shown = examples.flatMap((example): Message[] => [
    ...example.question.filter(({ role }) => role !== "system"),
    { role: "assistant", content: example.answer },
  ]);
  return [...question.slice(0, at), ...shown, ...question.slice(at)];
}

/** How far an evaluation is, in a line: counts, rate, failures and the time to go. */
export function describeAsking(progress: AskingProgress): string {
  const { records, answered, failed, perSecond } = progress;
  const toGo = secondsToGo(progress);
  return [
    `${count(answered + failed)} of ${count(records)} questions`,
    ...(failed === 0 ? [] : [`${count(failed)} without an answer`]),
    ...(perSecond === null ? [] : [`${perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))} a second`]),
    ...(toGo === null ? [] : [`${duration(toGo)} to go`]),
  ].join(", ");
}

/** Seconds until the last question has its answer, by the rate of now; null when that is not known, or nothing is left. */
export function secondsToGo({ records, answered, failed, perSecond }: AskingProgress): number | null {
  const open = records - answered - failed;
  return open === 0 || perSecond === null || perSecond === 0 ? null : open / perSecond;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** What a worker says of its progress, of any shape: progress is not worth failing for. Null when it is none. */
export function readAskingProgress(said: unknown): AskingProgress | null {
  if (typeof said !== "object" || said === null) return null;
  const [records, answered, failed, perSecond, lastFailure] = [
    "records",
    "answered",
    "failed",
    "perSecond",
    "lastFailure",
  ].map((name): unknown => Reflect.get(said, name));
  if (!isAmount(records) || !isAmount(answered) || !isAmount(failed)) return null;
  return {
    records,
    answered,
    failed,
    perSecond: isAmount(perSecond) ? perSecond : null,
    lastFailure: typeof lastFailure === "string" ? lastFailure.slice(0, longestReason) : null,
  };
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
