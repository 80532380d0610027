/** Sources that people add without changing Tuneloop: a file of their own reads them. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { CustomSourceDefinition } from "../../domain/custom-source-schema.ts";
import { TypedFailure } from "../../domain/failures.ts";
import { findCode, isFunction, problemOf } from "../own-code.ts";
import type { ItemReader } from "./item-reader.ts";

/** What a file of one's own exports as `source`. */
export interface CustomSource<Options> {
  /** Takes the definition's `options` apart. Throws an error whose message names the field that is wrong. */
  check: (options: unknown) => Options;
  /** Reads the source; `since` is its backfill window, which is kept to also if the reader does not. */
  read: ItemReader<{ id: string; since?: string | undefined; options: Options }>;
}

const moduleSchema = z.object({
  source: z.object({
    check: z.custom<CustomSource<unknown>["check"]>(isFunction, "must be a function"),
    read: z.custom<CustomSource<unknown>["read"]>(isFunction, "must be a function"),
  }),
});

const pageSchema = z.object({
  items: z.array(
    z.object({
      id: z.string().min(1),
      at: z.string().min(1),
      receivedAt: z.iso.datetime({ offset: true }),
      value: z.json(),
      problem: z.string().optional(),
    }),
  ),
  cursor: z.string(),
});

/** @param folders where files are looked for, the first that has one wins; they run with all rights of the worker */
export function createCustomReader(folders: readonly string[]): ItemReader<CustomSourceDefinition> {
  return async function* read(source, cursor, context) {
    const file = fileOf(folders, source);
    const { check, read: readOwn } = await load(file, source);
    const options = checkOptions(check, source);
    for await (const page of readOwn({ id: source.id, since: source.since, options }, cursor, context)) {
      const parsed = pageSchema.safeParse(page);
      if (!parsed.success) throw notAsItMust(source, file, "does not yield pages", parsed.error);
      yield page;
    }
  };
}

function fileOf(folders: readonly string[], { id, reader }: CustomSourceDefinition): string {
  const found = findCode(folders, reader);
  if (found !== null) return found;
  const where = folders.length === 0 ? "the worker's TUNELOOP_SOURCES names no folder" : `not in ${folders.join(", ")}`;
  throw new TypedFailure(
    "InvalidInput",
    `source ${id}: reader: there is no file ${reader}.ts or ${reader}.js: ${where}`,
  );
}

async function load(file: string, source: CustomSourceDefinition): Promise<CustomSource<unknown>> {
  let exported: unknown;
  try {
    exported = await import(pathToFileURL(file).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TypedFailure("InvalidInput", `source ${source.id}: reader: ${file} cannot be loaded: ${why}`, {
      cause: error,
    });
  }
  const parsed = moduleSchema.safeParse(exported);
  if (!parsed.success) throw notAsItMust(source, file, "does not export a source", parsed.error);
  return parsed.data.source;
}

function checkOptions(check: (options: unknown) => unknown, { id, options }: CustomSourceDefinition): unknown {
  try {
    return check(options);
  } catch (error) {
    throw new TypedFailure("InvalidInput", `source ${id}: options: ${problemOf(error)}`, { cause: error });
  }
}

function notAsItMust({ id }: CustomSourceDefinition, file: string, what: string, error: z.ZodError): TypedFailure {
  const issue = error.issues[0];
  const why = issue ? `: ${issue.path.join(".")}: ${issue.message}` : "";
  return new TypedFailure("InvalidInput", `source ${id}: reader: ${file} ${what} as it must be${why}`);
}
