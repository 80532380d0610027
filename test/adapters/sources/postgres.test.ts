import * as fc from "fast-check";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readPostgres } from "../../../src/adapters/sources/postgres.ts";
import type { RawItem } from "../../../src/adapters/sources/item-reader.ts";
import { postgresSourceSchema, type PostgresSource } from "../../../src/domain/postgres-source-schema.ts";
import { waitFor } from "../../../src/dev/wait.ts";
import { postgresForTests, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { failureOfPass, readContext, readPass, type Pass } from "../../support/source-reading.ts";

let database: TestPostgres;

function aSource(overrides: Partial<PostgresSource> = {}): PostgresSource {
  return postgresSourceSchema.parse({
    id: "votes",
    kind: "postgres",
    urlSecret: "FEEDBACK_DB",
    query: "SELECT id, updated_at, question, answer FROM feedback",
    cursorColumn: "updated_at",
    ...overrides,
  });
}

function context(url = database.url, signal?: AbortSignal) {
  const now = () => new Date("2026-02-01T00:00:00Z");
  return readContext({ secrets: { FEEDBACK_DB: url }, now, ...(signal ? { signal } : {}) });
}

async function insert(id: number, updatedAt: string): Promise<void> {
  await database.query("INSERT INTO feedback VALUES ($1, $2, 'Why?', 'Because.')", [id, updatedAt]);
}

const ids = (items: RawItem[]): string[] => items.map(({ id }) => id);

describe.skipIf(postgresForTests().missing)("readPostgres", () => {
  beforeAll(async () => {
    database = await startPostgres();
  }, 60_000);
  afterAll(() => database?.stop());
  beforeEach(async () => {
    await database.query("DROP TABLE IF EXISTS feedback");
    await database.query(
      "CREATE TABLE feedback (id bigint PRIMARY KEY, updated_at timestamptz, question text, answer text)",
    );
  });

  it("ends where it began when there is nothing new", async () => {
    for (let id = 1; id <= 3; id++) await insert(id, "2026-01-05T08:00:00Z");
    const { cursor } = await readPass(readPostgres, aSource(), null, context());
    expect((await readPass(readPostgres, aSource(), cursor, context())).cursor).toBe(cursor);
  });

  it("makes one item of a row, with values as JSON has them", async () => {
    await insert(1, "2026-01-05T08:00:00.123456+02");
    const query = `SELECT id, updated_at, question, 9007199254740993 AS big, 2.50 AS price, true AS good,
      '{"a": [1]}'::jsonb AS meta, '{x,y}'::text[] AS tags, NULL AS nothing, '2026-01-05 08:00'::timestamp AS local,
      'infinity'::timestamptz AS never, 'NaN'::float8 AS none, count(*) OVER () AS rows FROM feedback;  `;
    const { items, ended } = await readPass(readPostgres, aSource({ query }), null, context());
    expect(ended).toBe(true);
    expect(items).toEqual([
      {
        id: "1",
        at: "votes#id=1",
        receivedAt: "2026-01-05T06:00:00.123Z",
        value: {
          id: 1,
          updated_at: "2026-01-05T06:00:00.123456Z",
          question: "Why?",
          big: "9007199254740993",
          price: 2.5,
          good: true,
          meta: { a: [1] },
          tags: ["x", "y"],
          nothing: null,
          local: "2026-01-05T08:00:00Z",
          never: "infinity",
          none: "NaN",
          rows: 1,
        },
      },
    ]);
  });

  it("reads rows of one time in pages and skips none of them", async () => {
    for (let id = 1; id <= 7; id++) await insert(id, "2026-01-05T08:00:00Z");
    const { items, pages } = await readPass(readPostgres, aSource({ pageRows: 2 }), null, context());
    expect(ids(items)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(pages.length).toBeGreaterThan(3);
  });

  it("keeps rows that are equal in both columns in one page", async () => {
    const query = "SELECT 5 AS id, updated_at FROM feedback";
    for (let id = 1; id <= 5; id++) await insert(id, "2026-01-05T08:00:00Z");
    const { items, pages } = await readPass(readPostgres, aSource({ query, pageRows: 2 }), null, context());
    expect([items.length, pages.length]).toEqual([5, 1]);
  });

  it("goes on where a pass broke off, by a number as well as by a time", async () => {
    for (let id = 1; id <= 12; id++) await insert(id, "2026-01-05T08:00:00Z");
    const source = aSource({ cursorColumn: "id", pageRows: 5, revisitRows: 0 });
    const broken = await readPass(readPostgres, source, null, context(), 1);
    const rest = await readPass(readPostgres, source, broken.cursor, context());
    expect(ids(broken.items)).toEqual(["1", "2", "3", "4", "5"]);
    expect(ids(rest.items)).toEqual(["6", "7", "8", "9", "10", "11", "12"]);
    expect(rest.items[0]?.receivedAt).toBe("2026-02-01T00:00:00.000Z");
  });

  it("leaves out rows before `since`, and rows without a value in the cursor's column", async () => {
    await insert(1, "2026-01-05T08:00:00Z");
    await insert(2, "2026-01-07T08:00:00Z");
    await database.query("INSERT INTO feedback VALUES (3, NULL)");
    expect(ids((await readPass(readPostgres, aSource(), null, context())).items)).toEqual(["1", "2"]);
    const { items } = await readPass(readPostgres, aSource({ since: "2026-01-06" }), null, context());
    expect(ids(items)).toEqual(["2"]);
    const byNumber = aSource({ cursorColumn: "id", since: "2026-01-06" });
    expect(await failureOfPass(readPostgres, byNumber, context())).toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining("since: id is no time"),
    });
  });

  it("writes nothing, whatever the query says", async () => {
    await insert(1, "2026-01-05T08:00:00Z");
    await database.query(
      "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM feedback RETURNING 1'",
    );
    for (const query of [
      "SELECT id, updated_at FROM feedback) AS x; DELETE FROM feedback; SELECT 1 AS id FROM (SELECT 1",
      "SELECT id, updated_at FROM feedback; DELETE FROM feedback",
      "WITH gone AS (DELETE FROM feedback RETURNING *) SELECT id, updated_at FROM gone",
      "SELECT wipe() AS id, now() AS updated_at",
      "SELECT id, updated_at FROM feedback FOR UPDATE",
      "SELECT id, updated_at FROM feedback WHERE set_config('transaction_read_only', 'off', true) = 'off' AND wipe() = 1",
    ]) {
      const failure = await failureOfPass(readPostgres, aSource({ query }), context());
      expect(failure, query).toMatchObject({
        type: "InvalidInput",
        message: expect.stringContaining("votes: query: "),
      });
    }
    expect(await database.query("SELECT id FROM feedback")).toHaveLength(1);
  });

  it.each([
    [{ query: "SELEC 1" }, "must be one SELECT"],
    [{ query: "SELECT id, updated_at FROM nowhere" }, 'query: relation "nowhere" does not exist'],
    [{ query: "SELECT id, updated_at FROM feedback -- all of it" }, null],
    [{ query: "SELECT id, updated_at FROM feedback WHERE id = $1" }, "it takes no parameters"],
    [{ query: "SELECT question AS id, updated_at FROM feedback WHERE question::int = 1" }, "does not fit"],
    [{ cursorColumn: "changed_at" }, "cursorColumn: the query has no column changed_at"],
    [{ idColumn: "key" }, "idColumn: the query has no column key"],
    [{ query: "SELECT NULL::int AS id, updated_at FROM feedback" }, "a row has no id"],
  ])("says what is wrong with %j", async (overrides, message) => {
    await insert(1, "2026-01-05T08:00:00Z");
    const read = async (): Promise<unknown> => readPass(readPostgres, aSource(overrides), null, context());
    if (message === null) await expect(read()).resolves.toMatchObject({ ended: true });
    else await expect(read()).rejects.toThrow(message);
  });

  it("never tells a value of a row, or the address", async () => {
    await database.query("INSERT INTO feedback VALUES (1, now(), 'a secret question')");
    const query = "SELECT question::int AS id, updated_at FROM feedback";
    expect((await failureOfPass(readPostgres, aSource({ query }), context())).message).not.toContain("secret");
    const wrong = database.url.replace(database.password, "some-other-password");
    const refused = await failureOfPass(readPostgres, aSource(), context(wrong));
    expect(refused).toMatchObject({ type: "Refused", message: expect.stringContaining("FEEDBACK_DB") });
    expect(`${refused.message} ${refused.stack}`).not.toContain("some-other-password");
  });

  it.each([
    ["not an address", () => "db.example:5432", "InvalidInput", "does not hold an address"],
    [
      "no such database",
      (url: string) => url.replace(/\/postgres$/, "/none"),
      "NotFound",
      'database "none" does not exist',
    ],
    ["nobody there", (url: string) => url.replace(/:\d+\//, ":9/"), "Unavailable", "ECONNREFUSED"],
    ["TLS that is not there", (url: string) => `${url}?sslmode=verify-full`, "Refused", "offers no TLS"],
  ])("ends with what to do when the variable holds %s", async (_, change, type, message) => {
    const failure = await failureOfPass(readPostgres, aSource(), context(change(database.url)));
    expect(failure).toMatchObject({ type, message: expect.stringContaining(message) });
    expect(failure.message).not.toContain(database.password);
  });

  it("needs no right but to read", async () => {
    await insert(1, "2026-01-05T08:00:00Z");
    await database.query("DROP ROLE IF EXISTS reader");
    await database.query("CREATE ROLE reader LOGIN PASSWORD 'reader'");
    const url = database.url.replace(/\/\/[^@]+@/, "//reader:reader@");
    expect(await failureOfPass(readPostgres, aSource(), context(url))).toMatchObject({
      type: "Refused",
      message: expect.stringContaining("GRANT SELECT"),
    });
    await database.query("GRANT SELECT ON feedback TO reader");
    expect((await readPass(readPostgres, aSource(), null, context(url))).items).toHaveLength(1);
  });

  it("stops a query that takes too long, and ends when it is told to", async () => {
    const query = "SELECT 1 AS id, now() AS updated_at FROM pg_sleep(30)";
    const slow = aSource({ query, statementTimeoutSeconds: 1 });
    expect(await failureOfPass(readPostgres, slow, context())).toMatchObject({
      type: "Unavailable",
      message: expect.stringContaining("statementTimeoutSeconds"),
    });
    const stop = new AbortController();
    const reading = readPass(readPostgres, aSource({ query }), null, context(database.url, stop.signal));
    const sleeping = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tuneloop' AND wait_event = 'PgSleep'";
    await waitFor(async () => expect(await database.query(sleeping)).not.toEqual([]), { timeoutMs: 10_000 });
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    const late = readPass(readPostgres, aSource({ query }), null, context(database.url, stop.signal));
    await expect(late).rejects.toThrow("enough");
  });

  it("refuses a cursor of another column", async () => {
    await insert(1, "2026-01-05T08:00:00Z");
    const { cursor } = await readPass(readPostgres, aSource(), null, context());
    const failure = await failureOfPass(readPostgres, aSource({ cursorColumn: "id" }), context(), cursor);
    expect(failure).toMatchObject({ type: "InvalidInput", message: expect.stringContaining("of column updated_at") });
  });

  it("never skips: every row is met as it became, also when transactions end late", async () => {
    const event = fc.record({
      kind: fc.constantFrom("add", "change", "begin", "commit", "read", "crash"),
      pick: fc.nat(1000),
    });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 25, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      async (events, pageRows) => {
        await database.query("TRUNCATE feedback");
        const table = new Table(database);
        const source = aSource({ pageRows, revisitRows: 30 });
        const met = new Map<string, unknown>();
        let cursor: string | null = null;
        for (const { kind, pick } of [...events, { kind: "commit", pick: 0 }, { kind: "read", pick: 0 }]) {
          if (kind !== "read" && kind !== "crash") await table.happen(kind, pick);
          else {
            const pass: Pass = await readPass(readPostgres, source, cursor, context(), kind === "read" ? undefined : 1);
            for (const { id, value } of pass.items) met.set(id, (value as { answer: string }).answer);
            cursor = pass.cursor;
          }
        }
        await table.close();
        for (const { id, answer } of await database.query("SELECT id::text, answer FROM feedback"))
          expect(met.get(String(id))).toBe(answer);
      },
    );
    await fc.assert(runs, { numRuns: 25 });
  });
});

/** A table whose rows are added and changed, some of them in a transaction that ends later than others. */
class Table {
  readonly #database: TestPostgres;
  #open: Client | null = null;
  #serial = 0;

  constructor(database: TestPostgres) {
    this.#database = database;
  }

  async happen(kind: string, pick: number): Promise<void> {
    const values = [++this.#serial, new Date(Date.UTC(2026, 0, 1) + Math.floor(this.#serial / 3) * 1000), `${pick}`];
    const text = "INSERT INTO feedback (id, updated_at, answer) VALUES ($1, $2, $3)";
    if (kind === "add") await this.#database.query(text, values);
    if (kind === "change") {
      const change = "UPDATE feedback SET updated_at = $2, answer = $3 WHERE id = $1";
      await this.#database.query(change, [1 + (pick % this.#serial), ...values.slice(1)]);
    }
    if (kind === "begin" && this.#open === null) {
      this.#open = new Client({ connectionString: this.#database.url });
      await this.#open.connect();
      await this.#open.query("BEGIN");
      await this.#open.query(text, values);
    }
    if (kind === "commit") await this.close();
  }

  async close(): Promise<void> {
    await this.#open?.query("COMMIT");
    await this.#open?.end();
    this.#open = null;
  }
}
