/** `tuneloop dataset publish NAME[@V]`: record counts in a SQL table, for reports elsewhere. */
import { Command } from "commander";
import { mergeCounts } from "../../activities/counts.ts";
import { createPostgresCountsTable } from "../adapters/postgres-counts-table.ts";
import { countsTableSchema, type CountsTarget } from "../domain/counts-table-schema.ts";
import { datasetVersionId } from "../domain/ids.ts";
import { withBucket } from "./bucket.ts";
import { findVersion, parseReference } from "./dataset-reference.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { countText } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

interface PublishOptions {
  toEnv: string;
  table?: string;
  state: string;
  json?: boolean;
}

/** The `dataset publish` command. Publishing again changes nothing. */
export function datasetPublishCommand(): Command {
  return new Command("publish")
    .description("merge record counts by source and version into a table of PostgreSQL")
    .argument(
      "<dataset>",
      "NAME for the newest version, or NAME@VERSION; versions before it that are missing come along",
    )
    .requiredOption("--to-env <variable>", "environment variable with the database's address, such as DATABASE_URL")
    .option("--table <table>", "table or schema.table; made when it is not there (default: tuneloop_dataset_counts)")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((reference: string, options: PublishOptions) => {
      const wanted = parseReference(reference);
      const target = targetOf(options);
      return withBucket(options.state, async (store) => {
        const { dataset, version } = await findVersion(store, wanted);
        const counts = createPostgresCountsTable(secretOf);
        const merged = await mergeCounts({ store, counts }, { dataset, version, target });
        const result = { dataset, version, table: target.table, ...merged };
        process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : describe(result));
      });
    });
}

/** Checked before anything is read: a missing variable must not be found out after a long time. */
function targetOf({ toEnv, table }: PublishOptions): CountsTarget {
  const parsed = countsTableSchema.safeParse({ urlSecret: toEnv, ...(table === undefined ? {} : { table }) });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    // What was given for a variable's name may be the address itself, which is a secret.
    const option = issue?.path[0] === "table" ? `--table ${table}` : "--to-env";
    throw new UsageError(`${option}: ${issue?.message ?? "is not valid"}`);
  }
  secretOf(toEnv);
  return parsed.data;
}

function secretOf(name: string): string {
  const value = process.env[name]?.trim() ?? "";
  if (value === "") throw new UsageError(`--to-env ${name}: this environment variable is not set`);
  return value;
}

function describe({
  dataset,
  version,
  table,
  versions,
  rows,
}: {
  dataset: string;
  version: number;
  table: string;
  versions: number;
  rows: number;
}): string {
  const of = versions === 1 ? datasetVersionId(dataset, version) : `${countText(versions)} versions of ${dataset}`;
  return `${countText(rows)} ${rows === 1 ? "row" : "rows"} of ${of} are in ${table}\n`;
}
