/** `tuneloop rollout`: watches the rollout of a pipeline's model and gives it orders. */
import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { Command } from "commander";
import type { OrderReceipt } from "../domain/order.ts";
import { cycleOfModel } from "../domain/ids.ts";
import { rollBackCommand as rollBackLine } from "../domain/roll-back.ts";
import { needsReason, type RolloutOrder, type RolloutView } from "../domain/rollout.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { connect, createWorkflowLookup } from "../temporal/client.ts";
import { rollBackUpdate } from "../../workflows/pipeline-messages.ts";
import { rolloutQuery, rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import { workflowIds } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { redrawn } from "./redrawn.ts";
import { rolloutChange, rolloutLines } from "./rollout-lines.ts";
import { runningRollout } from "./running-rollouts.ts";
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
  reason?: string;
  by: string;
  to?: string;
  replaceOthers?: boolean;
}

/** An order and what comes with it. */
type Given = Pick<OrderOptions, "reason" | "by" | "to" | "replaceOthers"> & { pipeline: string };

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
    .addCommand(rollBackCommand());
}

function watchCommand(): Command {
  return withWhere(new Command("watch"))
    .description("show how a rollout goes on until it ends; exit code 1 when it went back")
    .action(async (name: string, { state, json }: WatchOptions) => {
      await withClient(name, state, async (client) => {
        const rollout = await runningRollout(client, name);
        if (rollout === null)
          throw new Error(`no rollout of ${name} is running; what came of the last one: tuneloop state ${name}`);
        await watch(client, rollout.workflowId, json ?? false);
      });
    });
}

/** @param name of the subcommand, `order` of the update */
function orderCommand(name: string, order: RolloutOrder, description: string): Command {
  const command = withWhere(new Command(name))
    .description(description)
    .option("--by <name>", "who orders it; kept with the rollout", userInfo().username)
    .action(async (pipeline: string, { state, json, ...given }: OrderOptions) => {
      if (given.to !== undefined && cycleOfModel(pipeline, given.to) === null)
        throw new UsageError(`--to ${given.to}: must be a model version of ${pipeline}, such as ${pipeline}-12`);
      await withClient(pipeline, state, async (client) => {
        const receipt = await give(client, order, { pipeline, ...given });
        const said = `${receipt.workflowId} took order ${receipt.orderId}. Watch it with: tuneloop rollout watch ${pipeline}`;
        process.stdout.write(`${json ? JSON.stringify(receipt) : said}\n`);
      });
    });
  const [flags, why] = ["--reason <text>", "why; kept with the rollout"];
  return needsReason(order) ? command.requiredOption(flags, why) : command.option(flags, why);
}

function rollBackCommand(): Command {
  return orderCommand("rollback", "rollBack", "give all traffic back to the champion, also after the rollout")
    .option(
      "--to <model>",
      "bring this champion back, also the one of now where it does not serve; left out, the one before",
    )
    .option("--replace-others", "let it take the place of versions that the pipeline has not trained");
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

/**
 * Sends an order to the rollout that runs. One to roll back goes to the pipeline when none does, when a rollback does, which
 * is not to be sent back by the same order once more, and when a certain champion is wanted.
 */
async function give(client: Client, order: RolloutOrder, given: Given): Promise<OrderReceipt & { workflowId: string }> {
  const { pipeline, to, replaceOthers, ...request } = given;
  const rollout = await runningRollout(client, pipeline);
  const isForPipeline =
    order === "rollBack" && (rollout === null || rollout.isRollBack || to !== undefined || replaceOthers);
  if (rollout === null && !isForPipeline) throw new Error(`no rollout of ${pipeline} is running`);
  const workflowId = isForPipeline || rollout === null ? workflowIds.pipeline(pipeline) : rollout.workflowId;
  const handle = client.workflow.getHandle(workflowId);
  try {
    if (!isForPipeline)
      return { ...(await handle.executeUpdate(rolloutUpdate(order), { args: [request] })), workflowId };
    const { reason = "", by } = request;
    const wanted = { reason, by, ...(to === undefined ? {} : { to }), ...(replaceOthers ? { replaceOthers } : {}) };
    return { ...(await handle.executeUpdate(rollBackUpdate, { args: [wanted] })), workflowId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new Error(whyNobody(pipeline, workflowId, rollout !== null), { cause: error });
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      throw new Error(`${workflowId} refuses: ${error.cause.message}`, { cause: error });
    }
    throw error;
  }
}

/** Why nobody could take an order that was sent to a workflow which is not running. */
export function whyNobody(pipeline: string, workflowId: string, isRollingOut: boolean): string {
  if (workflowId !== workflowIds.pipeline(pipeline))
    return `${workflowId} has just ended: see tuneloop models ${pipeline}`;
  const missing = isRollingOut
    ? `${workflowId} is not running, and no rollout brings a champion of before back`
    : `no rollout of ${pipeline} is running, and ${workflowId} neither`;
  return `${missing}: start the pipeline with tuneloop start -f FILE, then order it again`;
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
    if (status !== "completed") throw new Error(howItEnded(view, workflowId, { status, error }));
    return;
  }
}

/** How a rollout ended that did not complete; one that was terminated has cleaned nothing up. */
export function howItEnded(
  { pipeline, model, champion, percent }: RolloutView,
  workflowId: string,
  { status, error }: { status: string; error?: string | undefined },
): string {
  const ended = `${workflowId} is ${status}`;
  if (status !== "terminated" || percent === 0 || champion === null || champion === model)
    return `${ended}${error === undefined ? "" : `: ${error}`}`;
  const command = rollBackLine(pipeline, { to: champion });
  return `${ended}: ${model} keeps ${percent} % of the traffic until the janitor ends it; to end it now: ${command}`;
}
