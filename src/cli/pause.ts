/** `tuneloop pause NAME` and `tuneloop resume NAME`: whether a pipeline starts cycles by itself. */
import { userInfo } from "node:os";
import { WorkflowNotFoundError } from "@temporalio/client";
import { Command } from "commander";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect } from "../temporal/client.ts";
import { workflowIds } from "../../workflows/names.ts";
import { pauseUpdate, resumeUpdate } from "../../workflows/pipeline-messages.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

interface PauseOptions {
  reason?: string;
  by: string;
  state: string;
  json?: boolean;
}

/** The `pause` command. */
export function pauseCommand(): Command {
  return orderCommand("pause", "let a pipeline start no cycle until it is resumed; a cycle that runs goes on");
}

/** The `resume` command. */
export function resumeCommand(): Command {
  return orderCommand("resume", "let a pipeline start cycles again");
}

function orderCommand(order: "pause" | "resume", description: string): Command {
  return new Command(order)
    .description(description)
    .argument("<name>", "of the pipeline")
    .option("--reason <text>", "why; shown by tuneloop state")
    .option("--by <name>", "who orders it; shown by tuneloop state", userInfo().username)
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async (name: string, { state, json, ...request }: PauseOptions) => {
      if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
      const client = await connect(surroundings(process.env, state));
      const workflowId = workflowIds.pipeline(name);
      try {
        const update = order === "pause" ? pauseUpdate : resumeUpdate;
        const receipt = await client.workflow.getHandle(workflowId).executeUpdate(update, { args: [request] });
        const said = `${workflowId} took order ${receipt.orderId}. See it with: tuneloop state ${name}`;
        process.stdout.write(`${json ? JSON.stringify({ ...receipt, workflowId }) : said}\n`);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        throw new Error(`${workflowId} does not run: start it with tuneloop start -f FILE`, { cause: error });
      } finally {
        await client.connection.close();
      }
    });
}
