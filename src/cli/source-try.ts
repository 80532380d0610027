/** `tuneloop source try FILE ID`: what would come out of a source, without writing anything. */
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { S3ObjectStore } from "../adapters/s3-object-store.ts";
import type { ItemOutcome } from "../adapters/sources/chat-items.ts";
import { createSourceReaders } from "../adapters/sources/index.ts";
import { loadSourceConfig } from "../config.ts";
import { TypedFailure } from "../domain/failures.ts";
import { sourcesSchema } from "../domain/pipeline-schema.ts";
import type { ChatItem } from "../domain/record-schema.ts";
import { whyNotTrainable } from "../domain/record.ts";
import type { SourceDefinition } from "../domain/source-schema.ts";
import { sourceServices } from "../temporal/ports.ts";
import { readYamlFile, YamlFileError } from "../yaml-file.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { nearNames } from "../domain/near-names.ts";
import { describeTrial } from "./source-report.ts";
import { s3ClientOf, surroundings } from "./surroundings.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** Items looked at for those that are shown: a filter that matches nothing must not read the whole source. */
const mostExamined = 1000;

/** What a trial met. */
export interface SourceTrial {
  source: string;
  kind: SourceDefinition["kind"];
  /** What comes out of the first items, in their order: a chat record, or why there is none. */
  items: ({ at: string; receivedAt: string; chat: ChatItem } | { at: string; reason: string })[];
  /** Items before the last of those that the source does not ask for. */
  leftOut: { count: number; first: { at: string; leftOut: string }[] };
  /** Whether the source has no further items. */
  ended: boolean;
}

interface TryOptions {
  limit: number;
  state: string;
  json?: boolean;
}

/**
 * The `source try` command. Exit codes: 0 when a record comes out or the source is empty, 1 when it cannot be read or
 * nothing of it becomes a record, 2 when the file, the definition, the mapping or a secret's name has to be mended.
 */
export function sourceTryCommand(): Command {
  return new Command("try")
    .description("read the first items of a source and show what comes out of them; nothing is written")
    .argument("<file>", "YAML or JSON file with the pipeline's definition; of it only sources are read")
    .argument("<id>", "the source's id")
    .option("--limit <items>", "items to show", count, 5)
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(async (file: string, id: string, { limit, state, json }: TryOptions) => {
      const source = findSource(file, id);
      const { trial, failure } = await trySource(source, limit, surroundings(process.env, state));
      process.stdout.write(json ? `${JSON.stringify(trial)}\n` : describeTrial(trial, widthOf(process.stdout)));
      if (failure !== null) throw failure;
      if (isFruitless(trial)) process.exitCode = 1;
    })
    .exitOverride()
    .showHelpAfterError();
}

/** Reads and checks the sources of a definition. Throws UsageError that names the file, the line or field, and what to do. */
export function findSource(file: string, id: string): SourceDefinition {
  let sources: SourceDefinition[];
  try {
    sources = readYamlFile(file, z.object({ sources: sourcesSchema }), "definition").sources;
  } catch (error) {
    throw error instanceof YamlFileError ? new UsageError(error.message, { cause: error }) : error;
  }
  const source = sources.find((candidate) => candidate.id === id);
  if (source !== undefined) return source;
  const ids = sources.map((candidate) => candidate.id);
  const near = nearNames(id, ids);
  const meant = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `it has ${ids.slice(0, 10).join(", ")}`;
  throw new UsageError(`${file}: there is no source ${id}: ${meant}`);
}

/**
 * Reads a source until `limit` items are to be shown. What was met before a failure is in the trial; a failure that the
 * definition is to blame for is a UsageError.
 */
export async function trySource(
  source: SourceDefinition,
  limit: number,
  environment: Record<string, string>,
): Promise<{ trial: SourceTrial; failure: Error | null }> {
  const { id, kind } = source;
  const trial: SourceTrial = { source: id, kind, items: [], leftOut: { count: 0, first: [] }, ended: false };
  const controller = new AbortController();
  const config = loadSourceConfig(environment);
  const s3 = s3ClientOf(environment, config);
  const open = (uri: string): S3ObjectStore => new S3ObjectStore(s3, uri);
  try {
    // From its start a source needs nothing of Tuneloop's own store.
    const readers = createSourceReaders({ own: open("s3://none/"), open, ...sourceServices(config) });
    const { outcomes } = readers[kind].examine(source, null, controller.signal);
    trial.ended = await collect(outcomes, limit, trial);
    return { trial, failure: null };
  } catch (error) {
    return { trial, failure: failureOf(source, error) };
  } finally {
    controller.abort();
    s3.destroy();
  }
}

/** Whether that was all of the source. */
async function collect(outcomes: AsyncIterable<ItemOutcome[]>, limit: number, trial: SourceTrial): Promise<boolean> {
  const { items, leftOut } = trial;
  for await (const group of outcomes) {
    for (const outcome of group) {
      if (items.length === limit || items.length + leftOut.count === mostExamined) return false;
      if (!("leftOut" in outcome)) {
        items.push(shown(outcome));
      } else {
        leftOut.count++;
        if (leftOut.first.length < limit) leftOut.first.push({ at: outcome.at, leftOut: outcome.leftOut });
      }
    }
    if (items.length === limit) return false;
  }
  return true;
}

function shown(outcome: Exclude<ItemOutcome, { leftOut: string }>): SourceTrial["items"][number] {
  const { at, receivedAt } = outcome;
  if ("reason" in outcome) return { at, reason: outcome.reason };
  const reason = whyNotTrainable(outcome.chat);
  return reason === null ? { at, receivedAt, chat: outcome.chat } : { at, reason };
}

function isFruitless({ items, leftOut }: SourceTrial): boolean {
  return items.length + leftOut.count > 0 && !items.some((item) => "chat" in item);
}

function failureOf({ id }: SourceDefinition, error: unknown): Error {
  if (!(error instanceof TypedFailure)) return error instanceof Error ? error : new Error(String(error));
  const message = error.message.startsWith("source ") ? error.message : `source ${id}: ${error.message}`;
  const ToMend = error.type === "InvalidInput" ? UsageError : Error;
  return new ToMend(message, { cause: error });
}

function count(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > mostExamined)
    throw new InvalidArgumentError(`must be a whole number from 1 to ${mostExamined}`);
  return number;
}
