/**
 * Reads rows of a query on PostgreSQL in the order of a column that grows when they change. The query is read as a
 * subquery, as one statement, in read-only transactions with a time limit, a short one for each page.
 */
import { Client, escapeIdentifier, type QueryResult } from "pg";
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import type { PostgresSource } from "../../domain/postgres-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { isoTime, isTime, jsonTypes, postgresFailure } from "./postgres-values.ts";

const connectMs = 15_000;
/** Beyond the statement's own limit, for the network. */
const graceMs = 10_000;

/** Names under which a page has the cursor's and the id's text beside the query's own columns. */
const cursorAs = "tuneloop_cursor";
const idAs = "tuneloop_id";

/** The last row met, as PostgreSQL writes its values. */
const cursorSchema = z.object({ column: z.string(), value: z.string(), id: z.string() });
type Place = Pick<z.infer<typeof cursorSchema>, "value" | "id">;

/**
 * Rows in the order of `cursorColumn` and, where that is equal, of `idColumn`; rows that are equal in both come together.
 * Each pass starts `revisitRows` before the last row met, for rows whose transaction ended late.
 */
export const readPostgres: ItemReader<PostgresSource> = async function* (source, text, context) {
  const known = text === null ? null : parseCursor(source.id, cursorSchema, text);
  if (known !== null && known.column !== source.cursorColumn) {
    const advice = "start the source without its cursor";
    throw new TypedFailure("InvalidInput", `source ${source.id}: its cursor is of column ${known.column}: ${advice}`);
  }
  const client = await connect(source, context);
  const stop = (): void => void client.end().catch(() => {});
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    context.signal.throwIfAborted();
    const query = new CursorQuery(source, client);
    const byTime = await query.check();
    let place = known === null ? null : await query.stepBack(known);
    for (;;) {
      const rows = await query.after(place);
      const last = rows.at(-1);
      if (last === undefined) return;
      place = last;
      const items = rows.map((row) => toItem(source, row, byTime ? isoTime(row.value) : null, context));
      yield { items, cursor: JSON.stringify({ column: source.cursorColumn, value: last.value, id: last.id }) };
      if (rows.length < source.pageRows) return;
    }
  } catch (error) {
    context.signal.throwIfAborted();
    throw postgresFailure(source, error);
  } finally {
    context.signal.removeEventListener("abort", stop);
    await client.end().catch(() => {});
  }
};

async function connect(source: PostgresSource, context: ReadContext): Promise<Client> {
  const url = context.secret(source.urlSecret);
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    const wanted = "an address such as postgresql://user:password@host/database";
    throw new TypedFailure("InvalidInput", `source ${source.id}: ${source.urlSecret} does not hold ${wanted}`);
  }
  const client = new Client({
    connectionString: url,
    application_name: "tuneloop",
    connectionTimeoutMillis: connectMs,
    query_timeout: source.statementTimeoutSeconds * 1000 + graceMs,
    keepAlive: true,
    types: jsonTypes,
  });
  // A connection that breaks between two pages; the next page says so.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    throw postgresFailure(source, error);
  }
  return client;
}

type Row = Place & { columns: Record<string, unknown> };

/** The user's query with bounds and an order around it. */
class CursorQuery {
  readonly #source: PostgresSource;
  readonly #client: Client;
  /** `item` with the query's columns. The newline ends a comment at the query's end. */
  readonly #from: string;
  readonly #key: [cursor: string, id: string];

  constructor(source: PostgresSource, client: Client) {
    this.#source = source;
    this.#client = client;
    this.#from = `FROM (\n${source.query.replace(/[\s;]+$/, "")}\n) AS item`;
    this.#key = [escapeIdentifier(source.cursorColumn), escapeIdentifier(source.idColumn)];
  }

  /** Whether the cursor's column is a time. Throws InvalidInput that names what is wrong with the query or its columns. */
  async check(): Promise<boolean> {
    const { fields } = await this.#ask(`SELECT * ${this.#from} LIMIT 0`, []);
    for (const field of ["cursorColumn", "idColumn"] as const) {
      const found = fields.some(({ name }) => name === this.#source[field]);
      if (!found) throw this.#wrong(`${field}: the query has no column ${this.#source[field]}`);
    }
    const cursor = fields.find(({ name }) => name === this.#source.cursorColumn);
    const byTime = cursor !== undefined && isTime(cursor.dataTypeID);
    if (this.#source.since !== undefined && !byTime)
      throw this.#wrong(`since: ${this.#source.cursorColumn} is no time; put the bound into the query`);
    return byTime;
  }

  /** The row that lies `revisitRows` before a place; null when there are not so many. */
  async stepBack({ value, id }: Place): Promise<Place | null> {
    const [cursor, key] = this.#key;
    const { rows } = await this.#ask(
      `SELECT item.${cursor}::text AS ${cursorAs}, item.${key}::text AS ${idAs} ${this.#from}
       WHERE (item.${cursor}, item.${key}) <= ($1, $2)
       ORDER BY item.${cursor} DESC, item.${key} DESC OFFSET $3 LIMIT 1`,
      [value, id, String(this.#source.revisitRows)],
    );
    const row = rows[0];
    return row === undefined ? null : this.#place(row);
  }

  /** The next page of rows after a place, null for the start. */
  async after(place: Place | null): Promise<Row[]> {
    const [cursor, key] = this.#key;
    const values: string[] = [];
    const bounds = [`item.${cursor} IS NOT NULL`];
    if (this.#source.since !== undefined) bounds.push(`item.${cursor} >= $${values.push(this.#source.since)}`);
    if (place !== null)
      bounds.push(`(item.${cursor}, item.${key}) > ($${values.push(place.value)}, $${values.push(place.id)})`);
    const { rows } = await this.#ask(
      `SELECT item.*, item.${cursor}::text AS ${cursorAs}, item.${key}::text AS ${idAs} ${this.#from}
       WHERE ${bounds.join(" AND ")}
       ORDER BY item.${cursor}, item.${key} FETCH FIRST ${this.#source.pageRows} ROWS WITH TIES`,
      values,
    );
    return rows.map((row) => {
      const { [cursorAs]: _, [idAs]: __, ...columns } = row;
      return { ...this.#place(row), columns };
    });
  }

  #place(row: Record<string, unknown>): Place {
    const [value, id] = [row[cursorAs], row[idAs]];
    if (typeof value === "string" && typeof id === "string") return { value, id };
    throw new TypedFailure(
      "InvalidData",
      `source ${this.#source.id}: a row has no ${this.#source.idColumn}: choose another idColumn, or leave such rows out`,
    );
  }

  async #ask(text: string, values: string[]): Promise<QueryResult<Record<string, unknown>>> {
    const timeoutMs = this.#source.statementTimeoutSeconds * 1000;
    await this.#client.query(
      `BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = ${timeoutMs};
       SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'`,
    );
    // The extended protocol takes one statement only, whatever the query has in it.
    const statement = { text, values, queryMode: "extended" };
    const result = await this.#client.query<Record<string, unknown>>(statement);
    // After an error the connection is closed anyway.
    await this.#client.query("ROLLBACK");
    return result;
  }

  #wrong(problem: string): TypedFailure {
    return new TypedFailure("InvalidInput", `source ${this.#source.id}: ${problem}`);
  }
}

function toItem(source: PostgresSource, row: Row, time: string | null, context: ReadContext): RawItem {
  const ms = time === null ? Number.NaN : Date.parse(time);
  return {
    id: row.id,
    at: `${source.id}#${source.idColumn}=${row.id}`,
    receivedAt: (Number.isNaN(ms) ? context.now() : new Date(ms)).toISOString(),
    value: row.columns,
  };
}
