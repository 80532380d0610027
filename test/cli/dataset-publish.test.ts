import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeCounts } from "../../activities/counts.ts";
import { createPostgresCountsTable } from "../../src/adapters/postgres-counts-table.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import type { ObjectStore, SourceItem } from "../../src/ports.ts";
import { startTestBucket, type TestBucket, type TestPrefix } from "../support/bucket.ts";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { aBatch, commit } from "../support/datasets.ts";
import { aChat, aSourceItem } from "../support/fake-ports.ts";
import { postgresForTests, startPostgres, type TestPostgres } from "../support/postgres.ts";

const items = (count: number, from = 0): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index}`, aChat(`question ${from + index}`)),
  );

/** Version 1 of discord; version 2 of discord and twitch, without zendesk. */
async function twoVersions(store: ObjectStore): Promise<void> {
  await commit(store, [(await aBatch(store, items(20))).batch]);
  const twitch = await aBatch(store, [...items(20, 10), aSourceItem("x", "not JSON")], {}, "twitch");
  const discord = await aBatch(store, items(5, 50), {}, "discord");
  await commit(store, [twitch.batch, discord.batch], 1, { failedSources: { zendesk: "Refused: 403" } });
}

const rowsOfTwoVersions = [
  ["games", 1, "discord", "20", "20", "0", "0", null],
  ["games", 2, "discord", "5", "5", "0", "0", null],
  ["games", 2, "twitch", "21", "10", "1", "10", null],
  ["games", 2, "zendesk", "0", "0", "0", "0", "Refused: 403"],
];

describe.skipIf(postgresForTests().missing)("tuneloop dataset publish", () => {
  let bucket: TestBucket;
  let prefix: TestPrefix;
  let postgres: TestPostgres;
  beforeAll(async () => {
    [bucket, postgres] = await Promise.all([startTestBucket(), startPostgres()]);
    prefix = bucket.prefix();
    await twoVersions(prefix.store);
  });
  afterAll(() => Promise.all([bucket.stop(), postgres.stop()]));

  const publish = (url: string, ...args: string[]): Promise<CommandResult> =>
    runCommand(process.execPath, [TUNELOOP, "dataset", "publish", "games", "--to-env", "COUNTS_URL", ...args], {
      environment: { ...bucket.stack.fullEnvironment, TUNELOOP_S3_URI: prefix.store.uri(""), COUNTS_URL: url },
    });
  const rowsOf = async (table: string): Promise<unknown[][]> => {
    const columns = "dataset, version, source, received, accepted, quarantined, duplicates, failure";
    const rows = await postgres.query(`SELECT ${columns} FROM ${table} ORDER BY version, source`);
    return rows.map((row) => Object.values(row));
  };
  const merge = (table: string, version: number, url = postgres.url): Promise<unknown> =>
    mergeCounts(
      { store: prefix.store, counts: createPostgresCountsTable(() => url) },
      { dataset: "games", version, target: { urlSecret: "COUNTS_URL", table } },
    );

  it("makes the table with a row for each source of each version, and changes nothing when it is repeated", async () => {
    const [first, again] = [await publish(postgres.url), await publish(postgres.url, "--json")];
    expect(first).toEqual({
      code: 0,
      stdout: "4 rows of 2 versions of games are in tuneloop_dataset_counts\n",
      stderr: "",
    });
    expect(JSON.parse(again.stdout)).toEqual({
      dataset: "games",
      version: 2,
      table: "tuneloop_dataset_counts",
      versions: 1,
      rows: 3,
    });
    expect(await rowsOf("tuneloop_dataset_counts")).toEqual(rowsOfTwoVersions);
  });

  it("merges what is missing, and puts right what was changed of the version named", async () => {
    await postgres.query("CREATE SCHEMA reports");
    expect(await merge("reports.Counts", 1)).toEqual({ versions: 1, rows: 1 });
    expect(await merge("reports.Counts", 2)).toEqual({ versions: 1, rows: 3 });
    await postgres.query(`UPDATE reports."Counts" SET accepted = 7 WHERE version = 2`);
    await postgres.query(`DELETE FROM reports."Counts" WHERE version = 1`);
    expect(await merge("reports.Counts", 2)).toEqual({ versions: 2, rows: 4 });
    expect(await rowsOf(`reports."Counts"`)).toEqual(rowsOfTwoVersions);
  });

  it("merges every row once when two do it at the same time, into a table that is not there yet", async () => {
    await Promise.all(Array.from({ length: 6 }, () => merge("at_once", 2)));
    expect(await rowsOf("at_once")).toEqual(rowsOfTwoVersions);
  });

  it("needs no right to make tables where the table is there", async () => {
    await merge("granted", 1);
    await postgres.query("CREATE ROLE writer LOGIN PASSWORD 'writer'");
    await postgres.query("GRANT SELECT, INSERT, UPDATE ON granted TO writer");
    const url = postgres.url.replace(/\/\/[^@]+@/, "//writer:writer@");
    expect(await merge("granted", 2, url)).toEqual({ versions: 1, rows: 3 });
    await expect(merge("not_granted", 2, url)).rejects.toMatchObject({
      type: "Refused",
      message: expect.stringMatching(/^table not_granted: permission denied .*: grant the user in COUNTS_URL/),
    });
  });

  it.each<[string, (url: string) => string, string, RegExp]>([
    [
      "a wrong password",
      (url) => url.replace(/:[^:@]+@/, ":wrong@"),
      "Refused",
      /^table counts: the database refuses the login \(.*\): check COUNTS_URL$/,
    ],
    [
      "a database that is not there",
      (url) => url.replace(/postgres$/, "nothing"),
      "NotFound",
      /"nothing" does not exist/,
    ],
    [
      "nobody who listens",
      (url) => url.replace(/:\d+\/postgres$/, ":9/postgres"),
      "Unavailable",
      /^table counts: the database cannot be reached \(ECONNREFUSED\): check the address in COUNTS_URL$/,
    ],
    ["no address", () => "sqlite.db", "InvalidInput", /^COUNTS_URL does not hold an address such as postgresql:/],
  ])("says what is wrong with %s, and never the password", async (_, change, type, message) => {
    const failed = merge("counts", 2, change(postgres.url));
    await expect(failed).rejects.toMatchObject({ type, message: expect.stringMatching(message) });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining(postgres.password) });
  });

  it("refuses a table of another shape, and leaves it as it is", async () => {
    await postgres.query("CREATE TABLE other (dataset text)");
    await expect(merge("other", 2)).rejects.toMatchObject({
      message: expect.stringContaining("table of another shape"),
    });
    expect(await postgres.query("SELECT * FROM other")).toEqual([]);
  });

  it("tells a person in one line, with exit code 1", async () => {
    const { code, stdout, stderr } = await publish(postgres.url.replace(/:[^:@]+@/, ":wrong@"));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Refused: table tuneloop_dataset_counts: the database refuses the login .*\n$/);
  });
});

describe("datasetPublishCommand", () => {
  it.each([
    ["a variable that is not set", ["--to-env", "NO_SUCH_VARIABLE_HERE"], "is not set"],
    [
      "an address in place of a variable's name",
      ["--to-env", "postgresql://me:secret@host/db"],
      "not the secret itself",
    ],
    ["SQL in place of a table", ["--to-env", "PATH", "--table", 'x"; DROP TABLE y'], "must be a table's name"],
    ["a table's name that is too long", ["--to-env", "PATH", "--table", "x".repeat(64)], "must be a table's name"],
  ])("refuses %s as wrong usage", async (_, args, message) => {
    const program = await buildProgram(["dataset"]);
    const refused = program.parseAsync(["dataset", "publish", "games", ...args], { from: "user" });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
    await expect(refused).rejects.not.toThrow("me:secret");
  });
});
