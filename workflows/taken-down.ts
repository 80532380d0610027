/**
 * What a cycle hears when others take its challenger down before it was decided on, as when a champion of before comes back, or
 * somebody wants it gone.
 */
import {
  ApplicationFailure,
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { cycleOfModel } from "../src/domain/ids.ts";
import { workflowIds } from "./names.ts";

/** To a cycle, from the rollout that takes its challenger down. */
export const takenDownSignal = defineSignal<[TakenDown]>("takenDown");

/** What became of a challenger. */
export interface TakenDown {
  /** The challenger. */
  model: string;
  /** Id of the workflow that takes it down. */
  by: string;
  reason: string;
}

/** Work that is about a challenger. */
export interface AboutChallenger {
  /** Does it until the challenger is taken down; then it is cancelled and this throws ServiceChanged, which says by whom and why. */
  whileUp<T>(work: () => Promise<T>): Promise<T>;
}

/** Hears from the beginning of a cycle that its challenger, which others know by name, is taken down. */
export function hearTakenDown(): AboutChallenger {
  const scope = new CancellationScope();
  let heard: TakenDown | null = null;
  setHandler(takenDownSignal, (message) => {
    if (!isTakenDown(message)) return log.warn("a message that a challenger is taken down is passed over");
    heard ??= message;
    scope.cancel();
  });
  return {
    async whileUp(work) {
      try {
        return await scope.run(work);
      } catch (error) {
        if (heard === null || CancellationScope.current().consideredCancelled) throw error;
        const { model, by, reason } = heard;
        throw ApplicationFailure.nonRetryable(`${model} was taken down by ${by}: ${reason}`, "ServiceChanged");
      }
    },
  };
}

/**
 * Tells the cycle of a challenger that it is taken down, unless that is what the cycle wants; one that has ended, or was started
 * under another name, does not mind.
 */
export async function tellCycle(of: { pipeline: string; model: string; reason: string }): Promise<void> {
  const { pipeline, model, reason } = of;
  const cycle = cycleOfModel(pipeline, model);
  if (cycle === null) return;
  const workflowId = workflowIds.retrain(pipeline, cycle.version, cycle.repeat);
  const { workflowId: by, parent } = workflowInfo();
  if (parent?.workflowId === workflowId) return;
  try {
    await getExternalWorkflowHandle(workflowId).signal(takenDownSignal, { model, by, reason });
  } catch {
    log.info("no cycle to tell that its challenger is taken down", { pipeline, model });
  }
}

/** Anybody can send a signal, of any shape. */
function isTakenDown(message: unknown): message is TakenDown {
  if (typeof message !== "object" || message === null) return false;
  return ["model", "by", "reason"].every((field) => typeof Reflect.get(message, field) === "string");
}
