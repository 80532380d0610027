/** Record counts of dataset versions in a table of PostgreSQL. */
import { Client, DatabaseError, escapeIdentifier } from "pg";
import type { CountsTarget } from "../domain/counts-table-schema.ts";
import type { CountsRow } from "../domain/dataset-version.ts";
import { TypedFailure, type FailureType } from "../domain/failures.ts";
import type { CountsTable } from "../ports.ts";
import { codeOf, ofConnection } from "./sources/postgres-values.ts";

const connectMs = 10_000;
const statementMs = 30_000;
/** Beyond the statement's own limit, for the network. */
const graceMs = 5_000;

/**
 * A connection for each call, closed at its end.
 *
 * @param secret the value of a variable; its errors are passed on
 */
export function createPostgresCountsTable(secret: (name: string) => string): CountsTable {
  return {
    versions: (target, dataset) =>
      connected(target, secret(target.urlSecret), async (client) => {
        await ensureTable(client, target);
        const { rows } = await client.query<{ version: number }>(
          `SELECT DISTINCT version FROM ${quoted(target.table)} WHERE dataset = $1 ORDER BY version`,
          [dataset],
        );
        return rows.map(({ version }) => version);
      }),
    merge: (target, rows) =>
      connected(target, secret(target.urlSecret), async (client) => {
        await ensureTable(client, target);
        await client.query(mergeStatement(target.table), valuesOf(rows));
      }),
  };
}

/** Columns with their types, in the order of {@link valuesOf}. */
const columns = [
  ["dataset", "text"],
  ["version", "integer"],
  ["source", "text"],
  ["received", "bigint"],
  ["accepted", "bigint"],
  ["quarantined", "bigint"],
  ["duplicates", "bigint"],
  ["failure", "text"],
  ["created_at", "timestamptz"],
] as const;
const key = ["dataset", "version", "source"];

function valuesOf(rows: readonly CountsRow[]): unknown[][] {
  return [
    rows.map(({ dataset }) => dataset),
    rows.map(({ version }) => version),
    rows.map(({ source }) => source),
    rows.map(({ received }) => received),
    rows.map(({ accepted }) => accepted),
    rows.map(({ quarantined }) => quarantined),
    rows.map(({ duplicates }) => duplicates),
    rows.map(({ failure }) => failure),
    rows.map(({ createdAt }) => createdAt),
  ];
}

function mergeStatement(table: string): string {
  const names = columns.map(([name]) => name);
  const arrays = columns.map(([, type], index) => `$${index + 1}::${type}[]`);
  const changed = names.filter((name) => !key.includes(name)).map((name) => `${name} = EXCLUDED.${name}`);
  return `INSERT INTO ${quoted(table)} (${names.join(", ")})
    SELECT * FROM unnest(${arrays.join(", ")})
    ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${changed.join(", ")}`;
}

/** Makes the table when it is not there: who may only write rows is not asked for more where somebody else has made it. */
async function ensureTable(client: Client, { table }: CountsTarget): Promise<void> {
  const there = await client.query<{ found: string | null }>("SELECT to_regclass($1) AS found", [quoted(table)]);
  if (there.rows[0]?.found) return;
  const definitions = columns.map(([name, type]) => `${name} ${type}${name === "failure" ? "" : " NOT NULL"}`);
  await client.query("BEGIN");
  // Two who make it at the same time would meet in PostgreSQL's own catalog.
  await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [table]);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${definitions.join(", ")}, PRIMARY KEY (${key.join(", ")}))`,
  );
  await client.query("COMMIT");
}

/** `schema.table` as SQL; the schema says what it may be made of. */
function quoted(table: string): string {
  return table.split(".").map(escapeIdentifier).join(".");
}

async function connected<T>(target: CountsTarget, url: string, use: (client: Client) => Promise<T>): Promise<T> {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    const wanted = "an address such as postgresql://user:password@host/database";
    throw new TypedFailure("InvalidInput", `${target.urlSecret} does not hold ${wanted}`);
  }
  const client = new Client({
    connectionString: url,
    application_name: "tuneloop",
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: statementMs + graceMs,
  });
  // A connection that breaks between two statements; the next one says so.
  client.on("error", () => {});
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw failureOf(target, error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** What went wrong, without the address in it. */
function failureOf({ urlSecret, table }: CountsTarget, error: unknown): TypedFailure {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const [type, meaning] = error instanceof DatabaseError ? ofServer(code, message, table) : ofConnection(code, message);
  // The error itself stays here: it holds the connection's settings.
  return new TypedFailure(type, `table ${table}: ${meaning.replace("$URL", urlSecret)}`);
}

function ofServer(code: string, message: string, table: string): [FailureType, string] {
  if (code.startsWith("28")) return ["Refused", `the database refuses the login (${message}): check $URL`];
  if (code === "3D000") return ["NotFound", `${message}: check $URL`];
  if (code === "3F000") return ["NotFound", `${message}: make the schema, or name another one`];
  if (code === "42501") return ["Refused", `${message}: grant the user in $URL SELECT, INSERT and UPDATE on ${table}`];
  // Columns, their types or the key.
  if (code.startsWith("42")) return ["Refused", `it is a table of another shape (${message}): name another one`];
  return ["Unavailable", `the database answers ${code}: ${message}`];
}
