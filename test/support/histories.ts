/** Recorded histories: what replay needs of a real run, and nothing of the machine it ran on. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkflowHandle } from "@temporalio/client";
import proto from "@temporalio/proto";

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

/** `<workflow type>/<case>.json` below it. */
export const historiesDirectory = join(import.meta.dirname, "..", "replay", "histories");

/** Names of this machine, its processes and its files. */
const foreign = new Set(["identity", "stackTrace", "requestId", "workerVersion"]);

/** Writes the history of a run that has ended, or continued as new, as a case of its workflow type. */
export async function recordHistory(handle: WorkflowHandle, caseName: string): Promise<void> {
  const history = await handle.fetchHistory();
  const type = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? "";
  const plain = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
  const json = JSON.stringify(plain, (key, value: unknown) => (foreign.has(key) ? undefined : value));
  const directory = join(historiesDirectory, type);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${caseName}.json`), `${json}\n`);
}

/** Reads a recorded history. */
export function readHistory(file: string): History {
  return History.fromObject(JSON.parse(readFileSync(file, "utf8")));
}
