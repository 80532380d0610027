/** `tuneloop state NAME`: what a pipeline is doing and what it waits for, once or as it changes. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import type { Client } from "@temporalio/client";
import type { PipelineView } from "../domain/pipeline.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect, createWorkflowLookup } from "../temporal/client.ts";
import { workflowIds } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { redrawn } from "./redrawn.ts";
import { changeLine, stateLines } from "./state-lines.ts";
import { surroundings } from "./surroundings.ts";
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
    .description("show what a pipeline is doing and what it waits for")
    .argument("<name>", "of the pipeline")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--watch", "go on showing it as it changes, until Ctrl-C")
    .option("--json", "print the state as one JSON object, or one a line for each change")
    .action(async (name: string, { state, json, watch }: StateOptions) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      const client = await connect(surroundings(process.env, state));
      try {
        if (watch) await follow(client, name, shower(process.stdout, json ?? false));
        const view = await readState(client, name);
        process.stdout.write(json ? `${JSON.stringify(view)}\n` : `${stateLines(view).join("\n")}\n`);
      } finally {
        await client.connection.close();
      }
    });
}

/** Shows a pipeline whenever it has changed, until it ends, which throws as it does in the beginning. */
async function follow(client: Client, name: string, show: (view: PipelineView) => void): Promise<never> {
  for (let known = ""; ; await delay(watchMs)) {
    const view = await readState(client, name);
    const now = JSON.stringify(view);
    if (now !== known) show(view);
    known = now;
  }
}

async function readState(client: Client, name: string): Promise<PipelineView> {
  const workflowId = workflowIds.pipeline(name);
  const { status, error } = await createWorkflowLookup(client).outcome(workflowId);
  if (status === "not-found") throw new Error(`there is no pipeline ${name}: start one with tuneloop start -f FILE`);
  if (status !== "running") {
    throw new Error(`${workflowId} is ${status}${error === undefined ? "" : `: ${error}`}; start it again`);
  }
  return client.workflow.getHandle(workflowId).query<PipelineView>("state");
}

/** How changes are shown: over each other at a terminal, a line for each elsewhere. */
function shower(output: NodeJS.WriteStream, json: boolean): (view: PipelineView) => void {
  if (json) return (view) => void output.write(`${JSON.stringify(view)}\n`);
  const draw = redrawn(output);
  return (view) => draw(stateLines(view), changeLine(view));
}
