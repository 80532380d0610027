/** Recorded histories: what replay needs of a real run, and nothing of the machine it ran on. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkflowHandle } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";

/** `<workflow type>/<case>.json` below it. */
export const historiesDirectory = join(import.meta.dirname, "..", "replay", "histories");

/** Names of this machine, its processes and its files. */
const foreign = new Set([
  "identity",
  "stackTrace",
  "historySizeBytes",
  "requestId",
  "namespaceId",
  "taskQueueNamespace",
]);

/** Writes the history of a run that has ended, or continued as new, as a case of its workflow type. */
export async function recordHistory(handle: WorkflowHandle, caseName: string): Promise<void> {
  const history = await handle.fetchHistory();
  const type = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? "";
  const json: unknown = JSON.parse(historyToJSON(history), (key, value: unknown) =>
    foreign.has(key) ? undefined : value,
  );
  const directory = join(historiesDirectory, type);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${caseName}.json`), `${JSON.stringify(json)}\n`);
}
