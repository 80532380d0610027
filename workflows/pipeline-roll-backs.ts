/** What a pipeline does about orders to bring a champion of before back: at once, whatever else it is at. */
import { condition, log, ParentClosePolicy, setHandler, startChild } from "@temporalio/workflow";
import { endRollBack, takeRollBack, whyNoRollBack } from "../src/domain/pipeline-roll-backs.ts";
import type { PipelineDefinition } from "../src/domain/pipeline-schema.ts";
import type { PipelineState } from "../src/domain/workflow-input-schema.ts";
import { workflowIds } from "./names.ts";
import { endOf, resultOf, unlessThere } from "./pipeline-children.ts";
import { rollBackUpdate } from "./pipeline-messages.ts";
import { rollBack } from "./roll-back.ts";
import { refuse } from "./steps.ts";

/** Rollbacks of a pipeline. */
export interface RollBacks {
  /** Starts each as it is ordered, beside a cycle, an update or a reading that does not end; follows one of the run before. */
  begin(definition: PipelineDefinition): void;
  /** How many are being started: a run that ended now would not know whether they were. */
  pending(): number;
}

/** Sets the handler of the order. */
export function handleRollBacks(state: PipelineState, name: string): RollBacks {
  let starting = 0;
  setHandler(rollBackUpdate, (request) => takeRollBack(state, request), {
    validator: (request) => refuse(whyNoRollBack(state, name, request)),
  });
  const work = async (definition: PipelineDefinition): Promise<void> => {
    for (;;) {
      await condition(() => state.rollBackWanted !== null && state.rollBack === null);
      starting++;
      void follow(state, () => bringBack(definition, state, () => starting--));
    }
  };
  return {
    begin(definition) {
      const { rollBack: known } = state;
      if (known !== null) void follow(state, () => resultOf(known));
      work(definition).catch(() => log.info("no rollback is started any more: the pipeline is cancelled"));
    },
    pending: () => starting,
  };
}

/** Begins a rollback and waits for its end. */
async function bringBack(pipeline: PipelineDefinition, state: PipelineState, begun: () => void): Promise<unknown> {
  const { sources: _, ...definition } = pipeline;
  const workflowId = workflowIds.rollBack(definition.name, state.orders);
  const wanted = state.rollBackWanted ?? { to: null, replaceOthers: false, reason: "", by: null };
  state.rollBackWanted = null;
  state.rollBack = workflowId;
  const started = await unlessThere(
    startChild(rollBack, {
      workflowId,
      args: [{ pipeline: definition, ...wanted }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `a champion of ${definition.name} comes back`,
    }),
  ).finally(begun);
  // Without one, it was left running by a pipeline of this name that ended: that one is waited for.
  return started === null ? resultOf(workflowId) : started.result();
}

async function follow(state: PipelineState, end: () => Promise<unknown>): Promise<void> {
  const ended = await endOf(end);
  if (ended !== null) endRollBack(state, ended.result, ended.failure);
}
