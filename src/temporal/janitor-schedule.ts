/** The Temporal Schedule that starts the janitor. */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleUpdateOptions,
} from "@temporalio/client";
import type { AlertChoice } from "../domain/alert-choice-schema.ts";
import { janitorInputSchema } from "../domain/workflow-input-schema.ts";
import { taskQueues } from "../../workflows/names.ts";

/** One for each namespace. */
export const janitorScheduleId = "tuneloop-janitor";

/** How the janitor is started. */
export interface JanitorPlan {
  everySeconds: number;
  /** How long something may belong to nobody before it is ended. */
  graceSeconds: number;
  /** Who hears of all that is ended, beside the people of the pipeline that it belongs to. */
  alerts: AlertChoice[];
}

/** Unless it is told otherwise. */
const usual: JanitorPlan = { everySeconds: 120, graceSeconds: 120, alerts: [{ kind: "log" }] };

/** Makes the schedule if there is none; one that people have changed or paused stays as it is. */
export async function ensureJanitor(client: Client): Promise<void> {
  try {
    await createJanitor(client, usual);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/**
 * Changes how the janitor is started, and starts it again when it was paused; what is not named stays as it is. Answers the
 * whole plan.
 */
export async function scheduleJanitor(client: Client, changes: Partial<JanitorPlan>): Promise<JanitorPlan> {
  const handle = client.schedule.getHandle(janitorScheduleId);
  try {
    const plan = { ...planOf(await handle.describe()), ...changes };
    await handle.update(
      ({ action, policies, ...others }) =>
        ({
          ...others,
          spec: specOf(plan),
          action: { ...action, args: argsOf(plan) },
          policies: { ...policies, ...policiesOf(plan) },
          state: { paused: false },
        }) satisfies ScheduleUpdateOptions,
    );
    return plan;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  const plan = { ...usual, ...changes };
  await createJanitor(client, plan);
  return plan;
}

/** Stops it from being started until it is scheduled again; workers leave that as it is. */
export async function pauseJanitor(client: Client, reason: string): Promise<void> {
  await client.schedule.getHandle(janitorScheduleId).pause(reason);
}

async function createJanitor(client: Client, plan: JanitorPlan): Promise<void> {
  await client.schedule.create({
    scheduleId: janitorScheduleId,
    spec: specOf(plan),
    action: {
      type: "startWorkflow",
      workflowType: "janitor",
      workflowId: "janitor",
      taskQueue: taskQueues.main,
      args: argsOf(plan),
      staticSummary: "ends what belongs to no workflow",
    },
    policies: policiesOf(plan),
  });
}

function specOf({ everySeconds }: JanitorPlan): { intervals: { every: number }[] } {
  return { intervals: [{ every: everySeconds * 1000 }] };
}

function argsOf({ graceSeconds, alerts }: JanitorPlan): [{ graceSeconds: number; alerts: AlertChoice[] }] {
  return [{ graceSeconds, alerts }];
}

/** One at a time; of those missed in an outage none is made up for: the next sees the same. */
function policiesOf({ everySeconds }: JanitorPlan): { overlap: ScheduleOverlapPolicy; catchupWindow: number } {
  return { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everySeconds * 1000 };
}

/** What a schedule says, which people may have changed by Temporal's own means; the usual where it says something else. */
function planOf({ spec, action }: ScheduleDescription): JanitorPlan {
  const everyMs = spec.intervals?.[0]?.every ?? usual.everySeconds * 1000;
  const input = janitorInputSchema.safeParse(action.args?.[0] ?? {});
  const { graceSeconds, alerts } = input.success ? input.data : usual;
  return { everySeconds: everyMs / 1000, graceSeconds, alerts };
}
