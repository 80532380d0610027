/** A namespace of the tests' Temporal server, with workers that run the real workflows over fake activities. */
import { basename } from "node:path";
import { Client, Connection, WorkflowFailedError, type Workflow, type WorkflowHandle } from "@temporalio/client";
import { ApplicationFailure, CancelledFailure, TemporalFailure } from "@temporalio/common";
import { msToTs } from "@temporalio/common/lib/time.js";
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime } from "@temporalio/worker";
import { inject } from "vitest";
import { createWorkflowLookup } from "../../src/temporal/client.ts";
import { ensureSearchAttributes } from "../../src/temporal/search-attributes.ts";
import { runWorkers } from "../../src/temporal/worker.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { taskQueues } from "../../workflows/names.ts";
import { createFakeActivities } from "./fakes.ts";
import { recordHistory } from "./histories.ts";
import { World } from "./world.ts";

/** Set to write the histories that tests name into `test/replay/histories/`. */
const recording = process.env["TUNELOOP_RECORD_HISTORIES"] !== undefined;

/** Workflows in a namespace of their own, and the worlds they act on. */
export interface TestTemporal {
  client: Client;
  /** A new world with a name that no other test of the file has. */
  newWorld(): World;
  /** Starts a workflow with plain JSON; the second part of its id is the name of its world. */
  start<T extends Workflow>(type: string, workflowId: string, input: unknown): Promise<WorkflowHandle<T>>;
  /** Resolves when a running workflow has taken notice that it is to be cancelled. */
  untilCancelRequested(handle: Pick<WorkflowHandle, "workflowId">): Promise<void>;
  /** Notes a run's history as a case of the replay gate, when histories are recorded. */
  record(handle: WorkflowHandle, caseName: string): Promise<void>;
  /** Terminates what the last test left running. */
  endAll(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts workers on all task queues; `stop()` them in `afterAll`. */
export async function startTestTemporal(file: string): Promise<TestTemporal> {
  const namespace = basename(file, ".test.ts");
  const address = inject("temporalAddress");
  installQuietRuntime();
  const [connection, workerConnection] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs("1 day"),
  });
  await ensureSearchAttributes(workerConnection, namespace);
  const client = new Client({ connection, namespace });
  const worlds = new Map<string, World>();
  const started: string[] = [];
  const worker = await runWorkers({
    connection: workerConnection,
    namespace,
    workflowBundle: { codePath: inject("workflowBundlePath") },
    activities: createFakeActivities(createWorkflowLookup(client), (workflowId) => worldOf(worlds, workflowId)),
  });
  return {
    client,
    newWorld() {
      const world = new World(`games${worlds.size + 1}`);
      worlds.set(world.name, world);
      return world;
    },
    start<T extends Workflow>(type: string, workflowId: string, input: unknown) {
      started.push(workflowId);
      return client.workflow.start<(input: unknown) => ReturnType<T>>(type, {
        workflowId,
        taskQueue: taskQueues.main,
        args: [input],
      });
    },
    async untilCancelRequested({ workflowId }) {
      const handle = client.workflow.getHandle(workflowId);
      await waitFor(
        async () => {
          const { events } = await handle.fetchHistory();
          const at = (events ?? []).findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes);
          const taken = at >= 0 && (events ?? []).slice(at).some((event) => event.workflowTaskCompletedEventAttributes);
          if (!taken) throw new Error(`${workflowId} has not heard of a cancellation`);
        },
        { timeoutMs: 60_000 },
      );
    },
    async record(handle, caseName) {
      if (recording) await recordHistory(handle, caseName);
    },
    async endAll() {
      for (const workflowId of started.splice(0)) {
        const handle = client.workflow.getHandle(workflowId);
        const { status } = await handle.describe();
        if (status.name === "RUNNING") await handle.terminate();
      }
    },
    async stop() {
      worker.shutdown();
      await worker.ended;
      await connection.close();
    },
  };
}

let isQuiet = false;

/** Lets Temporal's SDK say errors only: tests cause what it warns of. */
export function installQuietRuntime(): void {
  // The SDK takes it once in a process, which several test files share.
  if (isQuiet) return;
  isQuiet = true;
  Runtime.install({
    logger: new DefaultLogger("ERROR"),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "ERROR", other: "ERROR" }) } },
  });
}

/** What the web UI shows of where a workflow stands. */
export async function currentDetails(handle: WorkflowHandle): Promise<string> {
  const { currentDetails } = await handle.query<{ currentDetails: string }>("__temporal_workflow_metadata");
  return currentDetails;
}

/** How a workflow failed: `Type: message`, or `cancelled`. Throws when it did not fail. */
export async function failureOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure) return "cancelled";
    if (error instanceof WorkflowFailedError) return bottomOf(error.cause);
    throw error;
  }
  throw new Error(`${handle.workflowId} completed`);
}

function bottomOf(error: unknown): string {
  let bottom = error;
  while (bottom instanceof TemporalFailure && !(bottom instanceof ApplicationFailure)) bottom = bottom.cause;
  return bottom instanceof ApplicationFailure ? `${bottom.type}: ${bottom.message}` : String(error);
}

function worldOf(worlds: Map<string, World>, workflowId: string): World {
  const world = worlds.get(workflowId.split("/")[1] ?? "");
  if (world === undefined) throw new Error(`${workflowId}: no world of that name`);
  return world;
}
