import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeTrial } from "../../src/cli/source-report.ts";
import { findSource, sourceTryCommand, trySource, type SourceTrial } from "../../src/cli/source-try.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { startTestBucket, type TestBucket } from "../support/bucket.ts";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { aChat } from "../support/fake-ports.ts";
import { serveFake, type ServiceFake } from "../support/service-fake.ts";

let fake: ServiceFake;
let directory: string;
let served = "";
beforeAll(async () => {
  fake = await serveFake((app) => app.get("*", () => new Response(served)));
});
afterAll(() => fake.stop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-source-"));
  fake.requests.length = 0;
});
afterEach(() => rm(directory, { recursive: true }));

const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const ticket = (n: number, overrides: object = {}): object => ({
  id: `T-${n}`,
  question: `question ${n}`,
  answer: `answer ${n}`,
  solved: true,
  ...overrides,
});
const definition = (): string => `name: games
sources:
  - id: tickets
    kind: http
    url: ${fake.url}/tickets.jsonl
    tokenSecret: TICKETS_TOKEN
    map:
      where: { path: solved, equals: true }
      messages:
        - { role: user, text: "{question}" }
        - { role: assistant, text: "{answer}" }
      id: "{id}"
      labels: { solved: "{solved}" }
`;
async function written(text = definition()): Promise<string> {
  const path = join(directory, "games.yaml");
  await writeFile(path, text);
  return path;
}
async function tuneloop(...args: string[]): Promise<CommandResult> {
  const environment = {
    PATH: process.env["PATH"],
    TUNELOOP_ALLOW_HOSTS: fake.host,
    TICKETS_TOKEN: "canary-token",
    TEMPORAL_ADDRESS: "127.0.0.1:1",
  };
  return runCommand(process.execPath, [TUNELOOP, "source", "try", ...args], { environment, directory });
}

/** Without a process of its own, which takes seconds to start. */
async function tryInProcess(path: string, id: string): Promise<SourceTrial> {
  const { trial, failure } = await trySource(findSource(path, id), 5, { TUNELOOP_ALLOW_HOSTS: fake.host });
  if (failure !== null) throw failure;
  return trial;
}

describe("sourceTryCommand", () => {
  it("shows where each of the first items is and what comes out of it, or why not", async () => {
    served = lines(
      ticket(1, { answer: "first line\nsecond line, which goes on and on beyond the eighty columns of this output" }),
      ticket(2, { solved: false }),
      ticket(3, { answer: undefined }),
      ticket(4),
      ticket(5),
    );
    const result = await tuneloop(await written(), "tickets", "--limit", "3");
    expect(result).toEqual({
      code: 0,
      stderr: "",
      stdout: ` 1  ${fake.url}/tickets.jsonl#1
    user       question 1
    assistant  first line second line, which goes on and on beyond the eighty c…
    id         T-1
    received   ${/received +(\S+)/.exec(result.stdout)?.[1]}
    #solved    true
 2  ${fake.url}/tickets.jsonl#3
    refused    messages.1.text: {answer}: there is no answer, only id, question,
               solved; with a default after a |, such as {text|}, it may be
               missing
 3  ${fake.url}/tickets.jsonl#4
    user       question 4
    assistant  answer 4
    id         T-4
    received   ${/received +(\S+)/.exec(result.stdout)?.[1]}
    #solved    true
Left out: 1 item, such as
    ${fake.url}/tickets.jsonl#2
               where: not so: solved equals true
tickets (http): 4 items, 2 records, 1 refused, 1 left out; there is more.
`,
    });
    expect(fake.requests.map(({ headers }) => headers["authorization"])).toEqual(["Bearer canary-token"]);
  });

  it("prints one JSON object on demand", async () => {
    served = lines(ticket(1), ticket(2, { solved: false }));
    const { code, stdout } = await tuneloop(await written(), "tickets", "--json");
    const trial = JSON.parse(stdout) as SourceTrial;
    expect(code).toBe(0);
    expect(trial).toEqual({
      source: "tickets",
      kind: "http",
      items: [{ at: `${fake.url}/tickets.jsonl#1`, receivedAt: expect.any(String), chat: expect.any(Object) }],
      leftOut: { count: 1, first: [{ at: `${fake.url}/tickets.jsonl#2`, leftOut: expect.stringContaining("where") }] },
      ended: true,
    });
  });

  it("ends with 1 when nothing becomes a record, and with 0 when there is nothing", async () => {
    served = lines(ticket(1, { solved: false }), { id: "T-2", solved: true });
    const fruitless = await tuneloop(await written(), "tickets");
    expect([fruitless.code, fruitless.stdout]).toEqual([
      1,
      expect.stringContaining("2 items, 0 records, 1 refused, 1 left out"),
    ]);
    served = "";
    const empty = await tuneloop(await written(), "tickets");
    expect([empty.code, empty.stdout]).toEqual([0, "tickets (http) has no items.\n"]);
  });

  it("ends with 1 when the source cannot be read, and says why, with what was met before", async () => {
    fake.fail({ status: 500, body: { message: "out of order" } });
    const { code, stderr } = await tuneloop(await written(), "tickets");
    expect(code).toBe(1);
    expect(stderr).toBe(`source tickets: ${fake.url}/tickets.jsonl answers 500: out of order\n`);
  });

  it.each([
    ["an id that there is not", [], "ticket", /games\.yaml: there is no source ticket: did you mean tickets\?$/],
    [
      "a field that is unknown",
      ["where: {", "wehre: {"],
      "tickets",
      /games\.yaml:8: sources\.0\.map: Unrecognized key: "wehre"/,
    ],
    [
      "a bad path",
      ['"{question}"', '"{question.}"'],
      "tickets",
      /games\.yaml:10: sources\.0\.map\.messages\.0\.text: "question\." is/,
    ],
    [
      "no answer",
      ["role: assistant", "role: user"],
      "tickets",
      /sources\.0\.map\.messages: no message can be the assistant's/,
    ],
    ["a kind that is unknown", ["kind: http", "kind: htpp"], "tickets", /sources\.0\.kind: /],
    [
      "a secret that is not set",
      ["TICKETS_TOKEN", "OTHER_TOKEN"],
      "tickets",
      /^source tickets: OTHER_TOKEN is not set: put the secret/,
    ],
    [
      "a secret that is no name",
      ["TICKETS_TOKEN", "xoxb-1"],
      "tickets",
      /tokenSecret: must be the name of an environment variable/,
    ],
    [
      "a variable of Tuneloop itself",
      ["TICKETS_TOKEN", "AWS_SECRET_ACCESS_KEY"],
      "tickets",
      /tokenSecret: is a variable of Tuneloop/,
    ],
  ] as [string, [string, string] | [], string, RegExp][])(
    "refuses %s before any request",
    async (_, [from = "", to = ""], id, message) => {
      const path = await written(definition().replace(from, to));
      await expect(tryInProcess(path, id)).rejects.toThrow(UsageError);
      await expect(tryInProcess(path, id)).rejects.toThrow(message);
      expect(fake.requests).toEqual([]);
    },
  );

  it("ends with 2 for what has to be mended", async () => {
    const { code, stderr } = await tuneloop(await written(), "ticket");
    expect([code, stderr]).toEqual([2, expect.stringContaining("did you mean tickets?")]);
  });

  it.each([
    ["--limit", "0"],
    ["--limit", "x"],
    ["--limit", "1001"],
    ["--lmit", "3"],
  ])("does not take %s %s", async (...option) => {
    const quiet = { writeErr: () => {}, writeOut: () => {} };
    const command = sourceTryCommand().configureOutput(quiet);
    await expect(command.parseAsync(["games.yaml", "tickets", ...option], { from: "user" })).rejects.toThrow(
      CommanderError,
    );
  });
});

describe("trySource", () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await startTestBucket();
  });
  afterAll(() => bucket.stop());

  it("reads a bucket by its environment alone, and writes nothing into it", async () => {
    const { store } = bucket.prefix();
    for (let n = 0; n < 12; n++) await store.put(`feedback/${n}.jsonl`, lines(aChat(`question ${n}`)));
    const keys = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of store.list("")) found.push(key);
      return found;
    };
    const before = await keys();
    const path = await written(
      JSON.stringify({ sources: [{ id: "bucket", kind: "s3-jsonl", uri: store.uri("feedback/") }] }),
    );
    const { trial, failure } = await trySource(findSource(path, "bucket"), 20, bucket.stack.environment);
    expect(failure).toBeNull();
    expect(trial).toMatchObject({ ended: true, leftOut: { count: 0 } });
    expect(trial.items).toHaveLength(12);
    expect(await keys()).toEqual(before);
  });

  it("looks at no more than 1,000 items for those that it shows", async () => {
    served = lines(...Array.from({ length: 5000 }, (_, n) => ticket(n, { solved: false })));
    const source = findSource(await written(), "tickets");
    const { trial } = await trySource(source, 5, { TUNELOOP_ALLOW_HOSTS: fake.host, TICKETS_TOKEN: "x" });
    expect(trial).toMatchObject({ items: [], leftOut: { count: 1000 }, ended: false });
    expect(trial.leftOut.first).toHaveLength(5);
  });

  it("refuses an item that no model can learn from, as an ingest does", async () => {
    served = lines({ messages: [{ role: "user", content: "q" }] });
    const text = `sources: [{ id: plain, kind: http, url: "${fake.url}/a.jsonl" }]`;
    const { trial } = await trySource(findSource(await written(text), "plain"), 5, { TUNELOOP_ALLOW_HOSTS: fake.host });
    expect(trial.items).toEqual([
      { at: `${fake.url}/a.jsonl#1`, reason: expect.stringContaining("no assistant message") },
    ]);
  });

  it("does not reach a host that is not allowed", async () => {
    const text = `sources: [{ id: plain, kind: http, url: "${fake.url}/a.jsonl" }]`;
    const { failure } = await trySource(findSource(await written(text), "plain"), 5, {});
    expect(failure?.message).toMatch(
      /^source plain: .*must be https; http is for hosts that the worker's TUNELOOP_ALLOW_HOSTS/,
    );
    expect(failure).not.toBeInstanceOf(UsageError);
  });
});

describe("describeTrial", () => {
  it("obeys nothing that a text says to a terminal, and keeps to its width", () => {
    const chat = {
      messages: [{ role: "user" as const, content: "\u001b[31mred\n\u202etext" }],
      labels: { "a\u0007": 1 },
    };
    const items = [{ at: "key\u001b#1", receivedAt: "2026-01-01T00:00:00Z", chat }];
    const trial = { source: "x", kind: "http" as const, items, leftOut: { count: 0, first: [] }, ended: true };
    expect(describeTrial(trial, 80)).toContain("x (http): 1 item, 1 record, 0 refused, 0 left out; that is all.\n");
    const text = describeTrial(trial, 40);
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  });

  it("cuts what items say, and nothing of what is said of them", () => {
    const items = [{ at: "a.jsonl#1", reason: "messages.3.content: Invalid input: expected string, received array" }];
    const trial = { source: "reviews", kind: "http" as const, items, leftOut: { count: 0, first: [] }, ended: false };
    expect(describeTrial(trial, 40).replaceAll(/\s+/g, " ")).toBe(
      " 1 a.jsonl#1 refused messages.3.content: Invalid input: expected string, received array " +
        "reviews (http): 1 item, 0 records, 1 refused, 0 left out; there is more. ",
    );
  });
});
