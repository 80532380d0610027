import { Client, Connection, WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import type { WorkflowLookup, WorkflowOutcome } from "../ports.ts";
import { askingSignal } from "../../workflows/asking-messages.ts";
import { progressSignal } from "../../workflows/reading-messages.ts";

const defaultAddress = "localhost:7233";

/**
 * Connects as the `temporal` CLI does: `TEMPORAL_*` variables over the profile in its configuration file.
 * Throws an error that names the address when nobody answers there.
 *
 * @param environment read in place of the process's own
 */
export async function connect(environment: Record<string, string>): Promise<Client> {
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: environment });
  const address = connectionOptions.address ?? defaultAddress;
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: "5s" });
    return new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
  } catch (error) {
    throw new Error(`no Temporal server answers at ${address}: start one with tuneloop dev, or set TEMPORAL_ADDRESS`, {
      cause: error,
    });
  }
}

/** Where {@link connect} leads with this environment, in words. */
export function describePlace(environment: Record<string, string>): string {
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: environment });
  return `namespace ${namespace ?? "default"} at ${connectionOptions.address ?? defaultAddress}`;
}

/** Looks at workflows, and tells them of progress, with a client. */
export function createWorkflowLookup(client: Client): WorkflowLookup {
  return {
    tellProgress: (workflowId, progress) => client.workflow.getHandle(workflowId).signal(progressSignal, progress),
    tellAsking: (workflowId, progress) => client.workflow.getHandle(workflowId).signal(askingSignal, progress),
    async outcome(workflowId, runId): Promise<WorkflowOutcome> {
      const handle = client.workflow.getHandle(workflowId, runId);
      try {
        const { status } = await handle.describe();
        switch (status.name) {
          case "COMPLETED":
            return { status: "completed", result: await handle.result() };
          case "FAILED":
            return { status: "failed", error: await failureOf(handle.result()) };
          case "TIMED_OUT":
            return { status: "failed", error: "timed out" };
          case "CANCELLED":
            return { status: "cancelled" };
          case "TERMINATED":
            return { status: "terminated" };
          case "RUNNING":
          case "PAUSED":
          case "CONTINUED_AS_NEW":
          case "UNSPECIFIED":
          case "UNKNOWN":
            return { status: "running" };
        }
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return { status: "not-found" };
        throw error;
      }
    },
  };
}

async function failureOf(result: Promise<unknown>): Promise<string> {
  try {
    await result;
    return "failed";
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof Error) return error.cause.message;
    throw error;
  }
}
