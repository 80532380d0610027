/** `tuneloop state NAME`: what a pipeline is doing and what it waits for, once or as it changes. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import type { Client } from "@temporalio/client";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect, createWorkflowLookup, describePlace } from "../temporal/client.ts";
import { workflowIds } from "../../workflows/names.ts";
import { stateQuery } from "../../workflows/pipeline-messages.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { redrawn } from "./redrawn.ts";
import { runningRollout } from "./running-rollouts.ts";
import { changeLine, stateLines, type ShownState } from "./state-lines.ts";
import { surroundings } from "./surroundings.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** How often a pipeline is asked while it is watched, in milliseconds. */
const watchMs = 1000;

interface StateOptions {
  state: string;
  json?: boolean;
  watch?: boolean;
}

/** The `state` command; exit code 1 when there is no such pipeline, or when it has ended. */
export function stateCommand(): Command {
  return new Command("state")
    .description("show what a pipeline is doing and what it waits for, its rollout included")
    .argument("<name>", "of the pipeline")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--watch", "go on showing it as it changes, until Ctrl-C")
    .option("--json", "print the state as one JSON object, or one a line for each change")
    .action(async (name: string, { state, json, watch }: StateOptions) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      const environment = surroundings(process.env, state);
      const client = await connect(environment);
      const place = describePlace(environment);
      try {
        if (watch) await follow(() => readState(client, place, name), shower(process.stdout, json ?? false));
        const view = await readState(client, place, name);
        process.stdout.write(
          json ? `${JSON.stringify(view)}\n` : `${stateLines(view, widthOf(process.stdout)).join("\n")}\n`,
        );
      } finally {
        await client.connection.close();
      }
    });
}

/** Shows a pipeline whenever it has changed, until it ends, which throws as it does in the beginning. */
async function follow(read: () => Promise<ShownState>, show: (view: ShownState) => void): Promise<never> {
  for (let known = ""; ; await delay(watchMs)) {
    const view = await read();
    const now = JSON.stringify(view);
    if (now !== known) show(view);
    known = now;
  }
}

async function readState(client: Client, place: string, name: string): Promise<ShownState> {
  const workflowId = workflowIds.pipeline(name);
  const { status, error } = await createWorkflowLookup(client).outcome(workflowId);
  if (status === "not-found") {
    throw new Error(
      `there is no pipeline ${name}: start one with tuneloop start -f FILE, or look elsewhere by TEMPORAL_ADDRESS, ` +
        `TEMPORAL_NAMESPACE or --state; looked for workflow ${workflowId} in ${place}`,
    );
  }
  if (status !== "running") {
    throw new Error(`${workflowId} is ${status}${error === undefined ? "" : `: ${error}`}; start it again`);
  }
  const [view, rollout] = await Promise.all([
    client.workflow.getHandle(workflowId).query(stateQuery),
    runningRollout(client, name),
  ]);
  return { ...view, rollout: rollout === null ? null : { workflowId: rollout.workflowId, ...rollout.view } };
}

/** How changes are shown: over each other at a terminal, a line for each elsewhere. */
function shower(output: NodeJS.WriteStream, json: boolean): (view: ShownState) => void {
  if (json) return (view) => void output.write(`${JSON.stringify(view)}\n`);
  const draw = redrawn(output);
  return (view) => draw(stateLines(view, widthOf(output) - 1), changeLine(view));
}
