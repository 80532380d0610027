/** Pipelines under test: started, asked, and followed over continue-as-new. */
import type { WorkflowHandle } from "@temporalio/client";
import type { PipelineView } from "../../src/domain/pipeline.ts";
import type { PipelineDefinition } from "../../src/domain/pipeline-schema.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { workflowIds } from "../../workflows/names.ts";
import type { pipeline } from "../../workflows/pipeline.ts";
import { datasetUpdatedSignal, stateQuery, type DatasetUpdated } from "../../workflows/pipeline-messages.ts";
import type { TestTemporal } from "./temporal.ts";

/** A pipeline that runs. */
export interface TestPipeline {
  /** Of the newest run. */
  handle: WorkflowHandle<typeof pipeline>;
  state(): Promise<PipelineView>;
  /** Waits until the state passes the check, and answers it. */
  until(check: (state: PipelineView) => void | Promise<void>): Promise<PipelineView>;
  /** Says that version `version` of its dataset is there. */
  tellVersion(version: number): Promise<void>;
  /** Says that something happened outside. */
  tellNews(updateId: string): Promise<void>;
  /** Every run so far, oldest first. */
  runs(): Promise<WorkflowHandle[]>;
}

/** Starts a pipeline by its definition. */
export async function startPipeline(temporal: TestTemporal, definition: PipelineDefinition): Promise<TestPipeline> {
  const workflowId = workflowIds.pipeline(definition.name);
  await temporal.start<typeof pipeline>("pipeline", workflowId, definition);
  const handle = temporal.client.workflow.getHandle<typeof pipeline>(workflowId);
  const first = await handle.describe();
  const state = (): Promise<PipelineView> => handle.query(stateQuery);
  const tell = (news: Omit<DatasetUpdated, "dataset">): Promise<void> =>
    handle.signal(datasetUpdatedSignal, { dataset: definition.name, ...news });
  return {
    handle,
    state,
    until: (check) =>
      waitFor(
        async () => {
          const seen = await state();
          await check(seen);
          return seen;
        },
        { timeoutMs: 60_000 },
      ),
    tellVersion: (version) => tell({ updateId: `${definition.name}@${version}`, version }),
    tellNews: (updateId) => tell({ updateId }),
    async runs() {
      const runs: WorkflowHandle[] = [];
      let runId: string | null | undefined = first.runId;
      while (runId) {
        const run: WorkflowHandle = temporal.client.workflow.getHandle(workflowId, runId, { followRuns: false });
        const { events } = await run.fetchHistory();
        runs.push(run);
        runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      }
      return runs;
    },
  };
}
