/** What Temporal has recorded of workflows, to be searched. */
import type { Client } from "@temporalio/client";

/** A history as the client fetches it. */
type History = Awaited<ReturnType<ReturnType<Client["workflow"]["getHandle"]>["fetchHistory"]>>;

/** A workflow's recorded events. */
export interface NamedHistory {
  workflowId: string;
  history: History;
}

/** Histories of these workflows and, without end, of the children they have started. */
export async function allHistories(client: Client, workflowIds: readonly string[]): Promise<NamedHistory[]> {
  const found: NamedHistory[] = [];
  const left = [...workflowIds];
  for (let workflowId = left.pop(); workflowId !== undefined; workflowId = left.pop()) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    found.push({ workflowId, history });
    for (const { childWorkflowExecutionStartedEventAttributes: started } of history.events ?? []) {
      const child = started?.workflowExecution?.workflowId;
      if (child) left.push(child);
    }
  }
  return found;
}

/** All text in a recorded value, with the payloads decoded. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (typeof value !== "object" || value === null) return "";
  return Object.values(value).map(textOf).filter(Boolean).join("\n");
}
