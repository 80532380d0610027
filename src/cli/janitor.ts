/** `tuneloop janitor`: ends jobs and versions that belong to no workflow, now or by a schedule. */
import { Command, InvalidArgumentError } from "commander";
import type { Client } from "@temporalio/client";
import { z } from "zod";
import { sinkName } from "../domain/alert-choice.ts";
import { alertsSchema, type AlertChoice } from "../domain/alert-choice-schema.ts";
import { describeOrphan } from "../domain/janitor.ts";
import { connect } from "../temporal/client.ts";
import { janitorScheduleId, pauseJanitor, scheduleJanitor, type JanitorPlan } from "../temporal/janitor-schedule.ts";
import type { janitor, JanitorResult } from "../../workflows/janitor.ts";
import { taskQueues } from "../../workflows/names.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { readYamlFile, YamlFileError } from "../yaml-file.ts";
import { printable } from "./printable.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

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
        if (result.unended.length + result.unreadable.length > 0) process.exitCode = 1;
      }),
    );
}

interface ScheduleOptions {
  every?: number;
  grace?: number;
  alerts?: AlertChoice[];
  state: string;
}

function scheduleCommand(): Command {
  return withWhere(new Command("schedule"))
    .description(
      "set how often the janitor looks and who hears of it, and end a pause; what is not named stays as it is, at first two minutes and the log",
    )
    .option("--every <seconds>", "how often it looks", secondsOf)
    .option("--grace <seconds>", "how long something may belong to nobody", secondsOf)
    .option(
      "--alerts <file>",
      "YAML with `alerts` as in a pipeline's definition: who hears of everything, beside the people of the pipeline",
      alertsIn,
    )
    .action(({ every, grace, alerts, state }: ScheduleOptions) =>
      withClient(state, async (client) => {
        const plan = await scheduleJanitor(client, {
          ...(every === undefined ? {} : { everySeconds: every }),
          ...(grace === undefined ? {} : { graceSeconds: grace }),
          ...(alerts === undefined ? {} : { alerts }),
        });
        process.stdout.write(describePlan(plan));
      }),
    );
}

/** How the janitor is started, as a line. */
export function describePlan({ everySeconds, graceSeconds, alerts }: JanitorPlan): string {
  const told = ["the people of the pipeline", ...alerts.map(sinkName)].map(printable).join(", ");
  return `The janitor looks every ${everySeconds} s (schedule ${janitorScheduleId}), ends what has belonged to nobody for ${graceSeconds} s, and tells: ${told}.\n`;
}

function alertsIn(file: string): AlertChoice[] {
  try {
    return readYamlFile(file, z.object({ alerts: alertsSchema.unwrap() }), "alerts").alerts;
  } catch (error) {
    throw error instanceof YamlFileError ? new UsageError(error.message, { cause: error }) : error;
  }
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
export function describeResult({ dryRun, orphans, unended, unreadable }: JanitorResult): string {
  const troubles = [
    ...unended.map(({ what, reason }) => `Could not end ${what}: ${reason}`),
    ...unreadable.map(({ what, reason }) => `Could not look at ${what}: ${reason}`),
  ];
  if (orphans.length + troubles.length === 0)
    return "There is nothing to end: every job and model version belongs to somebody, or is still in its grace period.\n";
  const found = orphans.map((orphan) => `${dryRun ? "Would end" : "Ended"} ${describeOrphan(orphan)}`);
  return [...found, ...troubles].map((line) => `${printable(line)}\n`).join("");
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
