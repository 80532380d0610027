/** `tuneloop alert test -f FILE`: a test alert through each sink of a definition, and what came back. */
import { randomUUID } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { pino } from "pino";
import { z } from "zod";
import { createAlertSinks } from "../adapters/alert-sinks.ts";
import { loadSourceConfig } from "../config.ts";
import { sinkName } from "../domain/alert-choice.ts";
import { alertsSchema, type AlertChoice } from "../domain/alert-choice-schema.ts";
import { testAlert } from "../domain/alert.ts";
import { TypedFailure } from "../domain/failures.ts";
import { slugSchema } from "../domain/slug-schema.ts";
import { sourceServices } from "../temporal/ports.ts";
import { readYamlFile, YamlFileError } from "../yaml-file.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { printable } from "./printable.ts";
import { surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";

interface TestOptions {
  file: string;
  sink?: number;
  state: string;
  json?: boolean;
}

/** What came back from one sink; `number` as in the file, from 1. */
export interface TriedSink {
  number: number;
  sink: string;
  /** Null when people were told. */
  failure: string | null;
}

/** The `alert test` command. Exit codes: 0 when every sink was told, 1 when one was not, 2 when the file has to be mended. */
export function alertTestCommand(): Command {
  return new Command("test")
    .description("send a test alert through each sink of a definition, with the secrets of this environment")
    .requiredOption("-f, --file <file>", "the definition; of it only name and alerts are read")
    .option("--sink <number>", "only this one, counted from 1 in the order of the file", count)
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async ({ file, sink, state, json }: TestOptions) => {
      const { name, alerts } = readAlerts(file);
      if (sink !== undefined && sink > alerts.length)
        throw new UsageError(`${file}: there is no sink ${sink}: alerts has ${alerts.length}`);
      const chosen = alerts.map((choice, index) => ({ choice, number: index + 1 }));
      const tried = await trySinks(
        name,
        chosen.filter(({ number }) => sink === undefined || number === sink),
        surroundings(process.env, state),
      );
      process.stdout.write(json ? `${JSON.stringify({ sinks: tried })}\n` : tried.map(describe).join(""));
      if (tried.some(({ failure }) => failure !== null)) process.exitCode = 1;
    })
    .exitOverride()
    .showHelpAfterError();
}

function readAlerts(file: string): { name: string; alerts: AlertChoice[] } {
  try {
    return readYamlFile(file, z.object({ name: slugSchema, alerts: alertsSchema }), "definition");
  } catch (error) {
    throw error instanceof YamlFileError ? new UsageError(error.message, { cause: error }) : error;
  }
}

/** Sends to all at once. A test is remembered nowhere: each one is told. */
async function trySinks(
  pipeline: string,
  chosen: { choice: AlertChoice; number: number }[],
  environment: Record<string, string>,
): Promise<TriedSink[]> {
  const sinks = createAlertSinks({
    log: pino({ level: "info" }, pino.destination({ dest: 2, sync: true })),
    store: { get: async () => null, put: async () => ({ etag: "" }) },
    ...sourceServices(loadSourceConfig(environment)),
  });
  const alert = testAlert(pipeline, new Date().toISOString());
  const { signal } = new AbortController();
  return Promise.all(
    chosen.map(async ({ choice: sink, number }): Promise<TriedSink> => {
      const id = `msg_${randomUUID().replaceAll("-", "")}`;
      try {
        await sinks.send({ id, alert, sink, signal });
        return { number, sink: sinkName(sink), failure: null };
      } catch (error) {
        return { number, sink: sinkName(sink), failure: reasonOf(error) };
      }
    }),
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof TypedFailure) return `${error.type}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

function describe({ number, sink, failure }: TriedSink): string {
  return `${number}. ${printable(sink)}: ${failure === null ? "told" : printable(failure)}\n`;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError("must be a whole number from 1");
  return Number(text);
}
