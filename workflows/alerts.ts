/** How workflows tell people: without waiting for them, and whatever becomes of the workflow itself. */
import {
  ChildWorkflowCancellationType,
  condition,
  log,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from "@temporalio/workflow";
import type { AlertActivities } from "../activities/interfaces.ts";
import type { AlertDraft } from "../src/domain/alert.ts";
import { sinkName, updatesInPlace } from "../src/domain/alert-choice.ts";
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import type { Alert } from "../src/domain/alert-schema.ts";
import { codeSpan } from "../src/domain/markdown.ts";
import { passing } from "./activity-options.ts";
import { alertPeople } from "./alert-people.ts";
import { workflowIds } from "./names.ts";
import { labelled } from "./search-attributes.ts";
import { reasonOf, regardless } from "./steps.ts";

const { sendAlert } = proxyActivities<AlertActivities>(passing);

/** How long a workflow that ends waits to say whether people were told, in milliseconds. */
const patienceMs = 5000;

/**
 * Starts telling people, through each sink; resolves when that is under way, which nothing then stops. Null when there is
 * nobody to tell.
 *
 * @param name of the alert among those of this run; its kind, unless a run can send several of one kind
 */
export async function startAlert(
  draft: AlertDraft,
  sinks: AlertChoice[],
  name: string = draft.kind,
): Promise<ChildWorkflowHandle<typeof alertPeople> | null> {
  if (sinks.length === 0) return null;
  const { workflowId, runId } = workflowInfo();
  return startChild(alertPeople, {
    workflowId: workflowIds.alert(workflowId, runId, name),
    args: [{ alert: dated(draft), sinks }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    cancellationType: ChildWorkflowCancellationType.ABANDON,
    staticSummary: draft.title,
    typedSearchAttributes: labelled({ pipeline: draft.pipeline, stage: "alert" }),
  });
}

/**
 * Tells people at the end of a workflow; answers in a sentence who was told, as far as that is known soon. Never throws.
 *
 * @param name of the alert among those of this run, see {@link startAlert}
 */
export async function tellPeople(draft: AlertDraft, sinks: AlertChoice[], name?: string): Promise<string> {
  return regardless(async () => {
    let said: string | null = null;
    try {
      const started = await startAlert(draft, sinks, name);
      if (started === null) return "Nobody is told: the pipeline names no sinks.";
      started.result().then(
        ({ told }) => (said = `Told: ${told.join(", ")}.`),
        (error: unknown) => (said = `Not all were told: ${codeSpan(reasonOf(error))}`),
      );
      await condition(() => said !== null, patienceMs, { summary: "for people to be told" });
      return said ?? `People are still being told, by workflow \`${started.workflowId}\`.`;
    } catch (error) {
      log.error("nobody could be alerted", { title: draft.title, reason: reasonOf(error) });
      return `Nobody could be told: ${codeSpan(reasonOf(error))}`;
    }
  });
}

/** Keeps the one message of a cycle up to date, at the sinks that have such a message. */
export interface PhaseUpdates {
  /** Shows how far the cycle is, in the background; what a sink is too slow for is passed over. */
  show(draft: AlertDraft): void;
  /** Resolves when nothing is on its way any more, after seconds at most. */
  settled(): Promise<void>;
}

/** Without a sink that updates in place, this sends nothing. */
export function phaseUpdates(sinks: AlertChoice[]): PhaseUpdates {
  const lines = sinks.filter(updatesInPlace).map(updateLine);
  return {
    show: (draft) => lines.forEach((line) => line.show(draft)),
    settled: async () => {
      await Promise.all(lines.map((line) => line.settled()));
    },
  };
}

/** To one sink, one at a time, the newest next. */
function updateLine(sink: AlertChoice): PhaseUpdates {
  let next: Alert | null = null;
  let sending: Promise<void> | null = null;
  const send = async (): Promise<void> => {
    for (let alert = next; alert !== null; alert = next) {
      next = null;
      const shown = alert;
      try {
        await regardless(() => sendAlert({ alert: shown, sink }));
      } catch (error) {
        log.warn("a phase is not shown", { sink: sinkName(sink), title: shown.title, reason: reasonOf(error) });
      }
    }
    sending = null;
  };
  return {
    show(draft) {
      next = dated(draft);
      sending ??= send();
    },
    async settled() {
      next = null;
      await sending;
    },
  };
}

function dated(draft: AlertDraft): Alert {
  const { workflowId, runId } = workflowInfo();
  const isOurs = draft.workflowId === workflowId;
  return { ...draft, format: 1, at: new Date().toISOString(), runId: isOurs ? runId : null };
}
