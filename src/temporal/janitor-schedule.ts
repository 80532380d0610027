/** The Temporal Schedule that starts the janitor. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from "@temporalio/client";
import { taskQueues } from "../../workflows/names.ts";

/** One for each namespace. */
export const janitorScheduleId = "tuneloop-janitor";

/** How often, unless it is told otherwise, in seconds. */
const usualSeconds = 120;

/** Makes the schedule if there is none; one that people have changed or paused stays as it is. */
export async function ensureJanitor(client: Client): Promise<void> {
  try {
    await createJanitor(client, { everySeconds: usualSeconds, graceSeconds: usualSeconds });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** How the janitor is started. */
export interface JanitorTimes {
  everySeconds: number;
  /** How long something may belong to nobody before it is ended. */
  graceSeconds: number;
}

/** Sets how often the janitor is started, also when it was paused. */
export async function scheduleJanitor(client: Client, times: JanitorTimes): Promise<void> {
  try {
    await client.schedule.getHandle(janitorScheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  await createJanitor(client, times);
}

/** Stops it from being started until it is scheduled again; workers leave that as it is. */
export async function pauseJanitor(client: Client, reason: string): Promise<void> {
  await client.schedule.getHandle(janitorScheduleId).pause(reason);
}

async function createJanitor(client: Client, { everySeconds, graceSeconds }: JanitorTimes): Promise<void> {
  await client.schedule.create({
    scheduleId: janitorScheduleId,
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: {
      type: "startWorkflow",
      workflowType: "janitor",
      workflowId: "janitor",
      taskQueue: taskQueues.main,
      args: [{ graceSeconds }],
      staticSummary: "ends what belongs to no workflow",
    },
    // One at a time; of those missed in an outage none is made up for: the next sees the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everySeconds * 1000 },
  });
}
