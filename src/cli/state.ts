/** `tuneloop state NAME`: what a pipeline is doing and what it waits for. */
import { Command } from "commander";
import type { PipelineView } from "../domain/pipeline.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect, createWorkflowLookup } from "../temporal/client.ts";
import { workflowIds } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./dev.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

/** The `state` command; exit code 1 when there is no such pipeline, or when it has ended. */
export function stateCommand(): Command {
  return new Command("state")
    .description("show what a pipeline is doing and what it waits for")
    .argument("<name>", "of the pipeline")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print the state as one JSON object")
    .action(async (name: string, { state, json }: { state: string; json?: boolean }) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      const client = await connect(surroundings(process.env, state));
      try {
        const workflowId = workflowIds.pipeline(name);
        const { status, error } = await createWorkflowLookup(client).outcome(workflowId);
        if (status === "not-found")
          throw new Error(`there is no pipeline ${name}: start one with tuneloop start -f FILE`);
        if (status !== "running") {
          throw new Error(`${workflowId} is ${status}${error === undefined ? "" : `: ${error}`}; start it again`);
        }
        const view = await client.workflow.getHandle(workflowId).query<PipelineView>("state");
        process.stdout.write(json ? `${JSON.stringify(view)}\n` : describe(view));
      } finally {
        await client.connection.close();
      }
    });
}

function describe(view: PipelineView): string {
  const { dataset, signals } = view;
  const rows: [string, string][] = [
    ["pipeline", view.name],
    ["status", view.status],
    ["champion", view.champion ?? "none yet"],
    ["dataset", dataset.version === null ? "no version yet" : `version ${dataset.version}, ${dataset.records} records`],
    ["new", `${view.newRecords} of ${view.minNewRecords} records since the last cycle`],
    ["cycle", view.cycle ?? "none running"],
    ["last", view.lastOutcome ?? "no cycle yet"],
    ["updates", `${signals.applied} applied, ${signals.duplicates} duplicates, ${signals.rejected} rejected`],
    ...view.rejected.slice(-3).map((reason): [string, string] => ["rejected", reason]),
  ];
  return `${rows.map(([what, value]) => `${what.padEnd(9)} ${value}`).join("\n")}\n`;
}
