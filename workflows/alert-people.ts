/**
 * Tells people of one thing through each sink of a pipeline, and lives on after whoever started it: a sink that is down is
 * tried for hours without holding anything up. Ends as NotTold when one could not be reached in that time, or never can be.
 * No messages.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  TimeoutFailure,
} from "@temporalio/workflow";
import type { AlertActivities, InputActivities } from "../activities/interfaces.ts";
import { sinkName } from "../src/domain/alert-choice.ts";
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import type { Alert } from "../src/domain/alert-schema.ts";
import { codeSpan } from "../src/domain/markdown.ts";
import type { AlertPeopleInput } from "../src/domain/workflow-input-schema.ts";
import { local, telling } from "./activity-options.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkAlertPeople } = proxyLocalActivities<InputActivities>(local);

/** Who was told, in the order of the sinks. */
export interface Told {
  told: string[];
}

export async function alertPeople(input: AlertPeopleInput): Promise<Told> {
  const { alert, sinks, patienceSeconds } = await checked(() => checkAlertPeople(input));
  label({ pipeline: alert.pipeline, stage: "alert" });
  const lines: Line[] = sinks.map((sink) => ({ sink, name: sinkName(sink), state: "is being told" }));
  const show = (): void => setCurrentDetails(describe(alert.title, lines));
  show();
  await Promise.all(
    lines.map(async (line) => {
      line.state = await tell(alert, line, patienceSeconds);
      show();
    }),
  );
  const missed = lines.filter(({ state }) => state !== "told");
  if (missed.length === 0) return { told: lines.map(({ name }) => name) };
  throw ApplicationFailure.nonRetryable(missed.map(({ name, state }) => `${name}: ${state}`).join("; "), "NotTold");
}

/** One sink, and how it stands with it. */
interface Line {
  sink: AlertChoice;
  name: string;
  state: string;
}

/** Answers how it went; only a cancellation is thrown. */
async function tell(alert: Alert, { sink, name }: Line, patienceSeconds: number): Promise<string> {
  const { sendAlert } = proxyActivities<AlertActivities>(telling(name, patienceSeconds));
  try {
    await sendAlert({ alert, sink });
    return "told";
  } catch (error) {
    if (isCancellation(error)) throw error;
    const isTimeout = error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
    const reason = isTimeout && !error.cause.cause ? `not reached in ${patienceSeconds} s` : reasonOf(error);
    log.error("a sink was not told", { pipeline: alert.pipeline, title: alert.title, sink: name, reason });
    return `not told: ${reason}`;
  }
}

function describe(title: string, lines: Line[]): string {
  return [codeSpan(title), "", ...lines.map(({ name, state }) => `- ${codeSpan(`${name}: ${state}`)}`)].join("\n");
}
