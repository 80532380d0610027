/** `tuneloop janitor`: ends jobs and versions that belong to no workflow, now or by a schedule. */
import { Command, InvalidArgumentError } from "commander";
import type { Client } from "@temporalio/client";
import { describeOrphan } from "../domain/janitor.ts";
import { connect } from "../temporal/client.ts";
import { janitorScheduleId, pauseJanitor, scheduleJanitor } from "../temporal/janitor-schedule.ts";
import type { janitor, JanitorResult } from "../../workflows/janitor.ts";
import { taskQueues } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { surroundings } from "./surroundings.ts";
import { printable } from "./printable.ts";

interface RunOptions {
  grace: number;
  dryRun?: boolean;
  json?: boolean;
  state: string;
}

/** The `janitor` command with its subcommands. */
export function janitorCommand(): Command {
  return new Command("janitor")
    .description("end jobs and model versions that belong to no workflow which lives")
    .addCommand(runCommand())
    .addCommand(scheduleCommand())
    .addCommand(pauseCommand());
}

function runCommand(): Command {
  return withWhere(new Command("run"))
    .description("look now, end what is found, and say so; exit code 1 when something could not be ended")
    .option("--dry-run", "end nothing, only say what would be")
    .option("--grace <seconds>", "how long something may belong to nobody", secondsOf, 120)
    .option("--json", "print one JSON object")
    .action(({ grace, dryRun = false, json, state }: RunOptions) =>
      withClient(state, async (client) => {
        const result = await client.workflow.execute<typeof janitor>("janitor", {
          workflowId: `janitor/${dryRun ? "dry-run" : "now"}`,
          taskQueue: taskQueues.main,
          args: [{ graceSeconds: grace, dryRun, alerts: [{ kind: "log" }] }],
        });
        process.stdout.write(json ? `${JSON.stringify(result)}\n` : describeResult(result));
        if (result.failed.length > 0) process.exitCode = 1;
      }),
    );
}

function scheduleCommand(): Command {
  return withWhere(new Command("schedule"))
    .description("set how often the janitor looks; a worker has it look every two minutes unless told otherwise")
    .option("--every <seconds>", "how often it looks", secondsOf, 120)
    .option("--grace <seconds>", "how long something may belong to nobody", secondsOf, 120)
    .action(({ every, grace, state }: { every: number; grace: number; state: string }) =>
      withClient(state, async (client) => {
        await scheduleJanitor(client, { everySeconds: every, graceSeconds: grace });
        process.stdout.write(`The janitor looks every ${every} s (schedule ${janitorScheduleId}).\n`);
      }),
    );
}

function pauseCommand(): Command {
  return withWhere(new Command("pause"))
    .description("stop the janitor until it is scheduled again")
    .requiredOption("--reason <text>", "why; kept with the schedule")
    .action(({ reason, state }: { reason: string; state: string }) =>
      withClient(state, async (client) => {
        await pauseJanitor(client, reason);
        process.stdout.write("The janitor is paused. Start it again with: tuneloop janitor schedule\n");
      }),
    );
}

/** What was found and what became of it, as lines. */
export function describeResult({ dryRun, orphans, failed }: JanitorResult): string {
  if (orphans.length + failed.length === 0)
    return "There is nothing to end: every job and model version belongs to somebody, or is still in its grace period.\n";
  const title = dryRun ? "Would end:" : "Found, and ended unless said otherwise:";
  return [title, ...orphans.map(describeOrphan), ...failed].map((line) => `${printable(line)}\n`).join("");
}

function withWhere(command: Command): Command {
  return command.option(
    "--state <directory>",
    "of the local stack to use when no Temporal is configured",
    DEFAULT_STATE_DIRECTORY,
  );
}

async function withClient(state: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = await connect(surroundings(process.env, state));
  try {
    await use(client);
  } finally {
    await client.connection.close();
  }
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 30 * 86_400)) throw new InvalidArgumentError("must be seconds, from 1 to 2592000.");
  return seconds;
}
