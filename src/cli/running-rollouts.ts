/** The rollouts of a pipeline's model that run now. */
import type { Client } from "@temporalio/client";
import type { RolloutView } from "../domain/rollout.ts";
import { rolloutQuery } from "../../workflows/roll-out-messages.ts";

/** A rollout that is to move users' traffic. */
export interface RunningRollout {
  workflowId: string;
  view: RolloutView;
  /** Whether it brings a champion of before back. */
  isRollBack: boolean;
}

/**
 * The rollout that moves users' traffic now, else the newest that is about to; null when there is none. Those that bring a
 * version up silently, or take it down, move nobody's.
 *
 * @param name of the pipeline
 */
export async function runningRollout(client: Client, name: string): Promise<RunningRollout | null> {
  return chooseRollout(await runningRollouts(client, name));
}

/** Of rollouts, the newest first, the one that {@link runningRollout} answers. */
export function chooseRollout<T extends Pick<RunningRollout, "view">>(rollouts: readonly T[]): T | null {
  const moving = rollouts.filter(({ view }) => view.target === "promoted");
  // One that waits for another to be over has moved nothing yet.
  return moving.find(({ view }) => view.phase !== "starting") ?? moving[0] ?? null;
}

async function runningRollouts(client: Client, name: string): Promise<RunningRollout[]> {
  const query = `WorkflowType IN ('rollOut', 'rollBack') AND TuneloopPipeline = '${name}' AND ExecutionStatus = 'Running'`;
  const rollouts: { workflowId: string; parent: string | null }[] = [];
  const rollBacks = new Set<string>();
  for await (const { workflowId, type, parentExecution } of client.workflow.list({ query })) {
    if (type === "rollBack") rollBacks.add(workflowId);
    else rollouts.push({ workflowId, parent: parentExecution?.workflowId ?? null });
  }
  return Promise.all(
    rollouts.map(async ({ workflowId, parent }) => ({
      workflowId,
      view: await client.workflow.getHandle(workflowId).query<RolloutView>(rolloutQuery.name),
      isRollBack: parent !== null && rollBacks.has(parent),
    })),
  );
}
