/** `tuneloop rollout`: watches the rollout of a pipeline's model and gives it orders. */
import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { Command } from "commander";
import type { OrderReceipt } from "../domain/order.ts";
import type { RolloutOrder, RolloutView } from "../domain/rollout.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect, createWorkflowLookup } from "../temporal/client.ts";
import { rollBackUpdate } from "../../workflows/pipeline-messages.ts";
import { rolloutQuery, rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import { workflowIds } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { redrawn } from "./redrawn.ts";
import { rolloutChange, rolloutLines } from "./rollout-lines.ts";
import { surroundings } from "./surroundings.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** How often a rollout is asked while it is watched, in milliseconds. */
const watchMs = 1000;

interface WatchOptions {
  state: string;
  json?: boolean;
}

interface OrderOptions extends WatchOptions {
  reason: string;
  by: string;
}

/** The `rollout` command with its subcommands. */
export function rolloutCommand(): Command {
  return new Command("rollout")
    .description("watch the rollout of a pipeline's model, and stop it or send it back")
    .addCommand(watchCommand())
    .addCommand(orderCommand("pause", "pause", "stay at the share of traffic that the challenger has"))
    .addCommand(orderCommand("resume", "resume", "go on after a pause"))
    .addCommand(orderCommand("approve", "approve", "agree to the step that waits for it"))
    .addCommand(orderCommand("reject", "reject", "do not agree to the step that waits: the rollout goes back"))
    .addCommand(orderCommand("promote", "promote", "give the challenger all traffic now; in the bake time, end that"))
    .addCommand(orderCommand("abort", "abort", "give all traffic back to the champion and end the rollout"))
    .addCommand(orderCommand("rollback", "rollBack", "give all traffic back to the champion, also after the rollout"));
}

function watchCommand(): Command {
  return withWhere(new Command("watch"))
    .description("show how a rollout goes on until it ends; exit code 1 when it went back")
    .action(async (name: string, { state, json }: WatchOptions) => {
      await withClient(name, state, async (client) => {
        const workflowId = await running(client, name);
        if (workflowId === null) throw new Error(`no rollout of ${name} is running; see: tuneloop models ${name}`);
        await watch(client, workflowId, json ?? false);
      });
    });
}

/** @param name of the subcommand, `order` of the update */
function orderCommand(name: string, order: RolloutOrder, description: string): Command {
  return withWhere(new Command(name))
    .description(description)
    .requiredOption("--reason <text>", "why; kept with the rollout")
    .option("--by <name>", "who orders it; kept with the rollout", userInfo().username)
    .action(async (pipeline: string, { reason, by, state, json }: OrderOptions) => {
      await withClient(pipeline, state, async (client) => {
        const receipt = await give(client, { pipeline, order, reason, by });
        const said = `${receipt.workflowId} took order ${receipt.orderId}. Watch it with: tuneloop rollout watch ${pipeline}`;
        process.stdout.write(`${json ? JSON.stringify(receipt) : said}\n`);
      });
    });
}

function withWhere(command: Command): Command {
  return command
    .argument("<name>", "of the pipeline")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print JSON");
}

async function withClient(name: string, state: string, use: (client: Client) => Promise<void>): Promise<void> {
  if (!slugSchema.safeParse(name).success) throw new UsageError(`${name}: a name is 1 to 40 of a-z, 0-9 and -`);
  const client = await connect(surroundings(process.env, state));
  try {
    await use(client);
  } finally {
    await client.connection.close();
  }
}

/** The rollout that moves traffic of a pipeline's model now, the newest; null when none does. */
async function running(client: Client, pipeline: string): Promise<string | null> {
  const query = `WorkflowType = 'rollOut' AND TuneloopPipeline = '${pipeline}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    const view = await client.workflow.getHandle(workflowId).query<RolloutView>(rolloutQuery.name);
    // One that brings a version up silently, or takes it down, moves nobody's traffic.
    if (view.target === "promoted") return workflowId;
  }
  return null;
}

/** Sends an order to the rollout that runs; one to roll back goes to the pipeline when none does. */
async function give(
  client: Client,
  given: { pipeline: string; order: RolloutOrder; reason: string; by: string },
): Promise<OrderReceipt & { workflowId: string }> {
  const { pipeline, order, ...request } = given;
  const rollout = await running(client, pipeline);
  if (rollout === null && order !== "rollBack") throw new Error(`no rollout of ${pipeline} is running`);
  const workflowId = rollout ?? workflowIds.pipeline(pipeline);
  const update = rollout === null ? rollBackUpdate : rolloutUpdate(order);
  try {
    return { ...(await client.workflow.getHandle(workflowId).executeUpdate(update, { args: [request] })), workflowId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      throw new Error(`no rollout of ${pipeline} is running, and ${workflowId} neither`, { cause: error });
    }
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      throw new Error(`${workflowId} refuses: ${error.cause.message}`, { cause: error });
    }
    throw error;
  }
}

/** Shows a rollout whenever it has changed, until it has ended. */
async function watch(client: Client, workflowId: string, json: boolean): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  const lookup = createWorkflowLookup(client);
  const draw = redrawn(process.stdout);
  for (let known = ""; ; await delay(watchMs)) {
    const { status, error } = await lookup.outcome(workflowId);
    const view = await handle.query<RolloutView>(rolloutQuery.name);
    const now = JSON.stringify(view);
    if (now !== known) {
      if (json) process.stdout.write(`${now}\n`);
      else draw(rolloutLines(view, widthOf(process.stdout) - 1), rolloutChange(view));
    }
    known = now;
    if (status === "running") continue;
    if (status !== "completed") throw new Error(`${workflowId} is ${status}${error === undefined ? "" : `: ${error}`}`);
    return;
  }
}
