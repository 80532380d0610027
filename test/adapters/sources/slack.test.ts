import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { readSlack } from "../../../src/adapters/sources/slack.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import { slackSourceSchema, type SlackSource } from "../../../src/domain/slack-source-schema.ts";
import { slackToken, startSlackFake, type SlackFake, type SlackFakeMessage } from "../../support/slack-fake.ts";
import { failureOfPass, playHistory, readContext, readPass, type Pass } from "../../support/source-reading.ts";

const channel = "C06HELP4U2X";
const question = "C06HELP4U2X-1767690000.123400";
const daySeconds = 86_400;

let fake: SlackFake;
afterEach(() => fake.stop());

function aSource(overrides: Partial<SlackSource> = {}): SlackSource {
  const apiUrl = `${fake.url}/api`;
  return slackSourceSchema.parse({
    id: "help",
    kind: "slack",
    tokenSecret: "SLACK_TOKEN",
    channels: [channel],
    apiUrl,
    ...overrides,
  });
}

function context(now = "2026-01-08T00:00:00Z", token = slackToken) {
  return readContext({ hosts: [fake.host], secrets: { SLACK_TOKEN: token }, now: () => new Date(now) });
}

describe("readSlack", () => {
  it("makes one item of a thread with its replies and reactions, with texts as people see them", async () => {
    fake = await startSlackFake();
    const { items, ended } = await readPass(readSlack, aSource(), null, context());
    expect(ended).toBe(true);
    expect(items.map(({ id }) => id)).toEqual([
      "C06HELP4U2X-1767780000.000500",
      "C06HELP4U2X-1767776400.000300",
      "C06HELP4U2X-1767693600.000200",
      question,
    ]);
    const item = items.at(-1);
    expect(item).toMatchObject({
      at: "https://slack.com/archives/C06HELP4U2X/p1767690000123400",
      receivedAt: "2026-01-06T09:12:00.555Z",
      value: {
        channel,
        all_reactions: [
          { name: "white_check_mark", count: 1 },
          { name: "+1", count: 2 },
        ],
        replies: [
          {
            text: "Run `exports resume --from last`. It takes the last finished part & goes on from there, see the guide.",
          },
          { text: "That did it, thanks @U05HELPER01!" },
        ],
      },
    });
  });

  it("ends where it began when there is nothing new", async () => {
    fake = await startSlackFake();
    const { cursor } = await readPass(readSlack, aSource(), null, context());
    expect((await readPass(readSlack, aSource(), cursor, context())).cursor).toBe(cursor);
  });

  it("gives the mapping that comes with it a question, an answer and labels", async () => {
    fake = await startSlackFake();
    const source = aSource();
    const { items } = await readPass(readSlack, source, null, context());
    const made = items.map(({ value }) => compileMapping(source.map)(value));
    expect(made.filter((outcome) => "leftOut" in outcome)).toHaveLength(2);
    expect(made.at(-1)).toEqual({
      chat: {
        messages: [
          { role: "user", content: expect.stringContaining("The nightly export of #data-exports stops") },
          { role: "assistant", content: expect.stringContaining("exports resume --from last") },
        ],
        author: "U05ASKER001",
        group: question,
        labels: { channel, reactions: "white_check_mark, +1", solved: true },
      },
    });
  });

  it("reads nothing older than `since`", async () => {
    fake = await startSlackFake();
    const { items } = await readPass(readSlack, aSource({ since: "2026-01-07" }), null, context());
    expect(items).toHaveLength(2);
  });

  it("meets a late reply within `revisitDays`, and no older thread", async () => {
    fake = await startSlackFake();
    const source = aSource({ revisitDays: 1 });
    const { cursor } = await readPass(readSlack, source, null, context());
    for (const [ts, text] of [
      ["1767690000.123400", "too late"],
      ["1767776400.000300", "in time"],
    ] as const)
      fake.channels
        .get(channel)
        ?.replies.get(ts)
        ?.push(aReply(ts, "1767787200.000000", text));
    const { items } = await readPass(readSlack, source, cursor, context());
    const texts = items.map(({ value }) => (value as { replies: SlackFakeMessage[] }).replies.at(-1)?.text);
    expect(texts).toContain("in time");
    expect(texts).not.toContain("too late");
  });

  it("meets an old thread again when a reply to it is also sent to the channel", async () => {
    fake = await startSlackFake();
    const source = aSource({ revisitDays: 0 });
    const { cursor } = await readPass(readSlack, source, null, context());
    const reply = { ...aReply("1767690000.123400", "1767800000.000000", "For all"), subtype: "thread_broadcast" };
    fake.channels.get(channel)?.messages.push(reply);
    fake.channels.get(channel)?.replies.get("1767690000.123400")?.push(reply);
    const { items } = await readPass(readSlack, source, cursor, context());
    expect(items[0]?.id).toBe(question);
    expect(items[0]?.value).toMatchObject({ replies: [{}, {}, { text: "For all" }] });
  });

  it("goes on with the next channel where a pass broke off, and reads a channel that is added from its start", async () => {
    fake = await startSlackFake();
    fake.channels.set("C0SECOND", { messages: [aMessage("1767600000.000000", "first")], replies: new Map() });
    const both = aSource({ channels: [channel, "C0SECOND"] });
    const broken = await readPass(readSlack, both, null, context(), 2);
    const rest = await readPass(readSlack, both, broken.cursor, context());
    expect(rest.items.map(({ id }) => id)).toEqual(["C0SECOND-1767600000.000000"]);
    fake.channels.set("C0THIRD", { messages: [aMessage("1767600000.000000", "old")], replies: new Map() });
    const third = aSource({ channels: ["C0THIRD"] });
    expect((await readPass(readSlack, third, rest.cursor, context())).items).toHaveLength(1);
  });

  it("reads a long history in as many attempts as it has pages, each message once", async () => {
    fake = await startSlackFake();
    const messages = Array.from({ length: 10 }, (_, at) => aMessage(`${1_767_600_000 - at * 1000}.000000`, "?"));
    fake.channels.set(channel, { messages, replies: new Map() });
    fake.limits.page = 3;
    const met: string[] = [];
    let [cursor, ended]: [string | null, boolean] = [null, false];
    while (!ended) {
      const pass: Pass = await readPass(readSlack, aSource(), cursor, context(), 1);
      met.push(...pass.items.map(({ id }) => id));
      ({ cursor, ended } = pass);
      // The channel's end comes as a page of its own.
      if (pass.items.length === 0) break;
    }
    expect(met).toEqual(messages.map(({ ts }) => `${channel}-${ts}`));
  });

  it("leaves a thread out that is deleted while it is read", async () => {
    fake = await startSlackFake();
    fake.fail({ status: 200, path: /replies/, body: { ok: false, error: "thread_not_found" } });
    const { items } = await readPass(readSlack, aSource(), null, context());
    expect(items.map(({ id }) => id)).not.toContain("C06HELP4U2X-1767776400.000300");
  });

  it("waits as long as Slack asks it to", async () => {
    fake = await startSlackFake();
    fake.fail({ status: 429, headers: { "retry-after": "0" }, body: { ok: false, error: "ratelimited" } });
    expect((await readPass(readSlack, aSource(), null, context())).items).toHaveLength(4);
    fake.fail({ status: 429, headers: { "retry-after": "600" }, body: { ok: false, error: "ratelimited" } });
    expect(await failureOfPass(readSlack, aSource(), context())).toMatchObject({
      type: "RateLimited",
      retryAfterMs: 600_000,
      message: expect.stringContaining("source help"),
    });
  });

  it.each([
    ["not_in_channel", "Refused", "/invite"],
    ["channel_not_found", "NotFound", "groups:history"],
    ["missing_scope", "Refused", "groups:history"],
    ["token_revoked", "Refused", "SLACK_TOKEN"],
    ["not_allowed_token_type", "Refused", "xoxp-"],
    ["ratelimited", "RateLimited", "later"],
    ["internal_error", "Unavailable", "later"],
    ["something_new", "Refused", "something_new"],
  ])("ends with what to do when Slack answers ok: false, %s", async (error, type, advice) => {
    fake = await startSlackFake();
    fake.fail({ status: 200, body: { ok: false, error, needed: "groups:history" } });
    const failure = await failureOfPass(readSlack, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source help: Slack answers") });
    expect(failure.message).toContain(advice);
  });

  it.each([
    [{ status: 500, body: "<html>oops</html>" }, "Unavailable"],
    [{ status: 403, body: "<html>blocked</html>" }, "Refused"],
    [{ status: 404, body: "<html>no such page</html>" }, "NotFound"],
    [{ status: 200, body: "<html>log in first</html>" }, "Unavailable"],
    [{ status: 200, body: { ok: true, messages: [{ ts: "yesterday" }] } }, "InvalidData"],
    [{ status: 200, hangUp: true }, "Unavailable"],
  ])("names the source when %o is answered", async (fault, type) => {
    fake = await startSlackFake();
    fake.fail(fault);
    const failure = await failureOfPass(readSlack, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source help: ") });
  });

  it("never tells the token", async () => {
    fake = await startSlackFake();
    fake.fail({ status: 403, body: { error: `${slackToken} is not welcome` } });
    expect((await failureOfPass(readSlack, aSource(), context())).message).not.toContain(slackToken);
    const wrong = await failureOfPass(readSlack, aSource(), context(undefined, "xoxb-wrong-and-secret"));
    expect(wrong).toMatchObject({ type: "Refused", message: expect.stringContaining("invalid_auth") });
    expect(wrong.message).not.toContain("xoxb-wrong");
  });

  it("refuses a cursor of another kind", async () => {
    fake = await startSlackFake();
    const failure = await failureOfPass(readSlack, aSource(), context(), '{"after":"x"}');
    expect(failure).toMatchObject({ type: "InvalidData", message: expect.stringContaining("without it") });
    expect(fake.requests).toHaveLength(0);
  });

  it("never skips: every thread is met as it became, whatever happens while it is read", async () => {
    const event = fc.record({
      kind: fc.constantFrom("post", "late", "reply", "react", "edit", "read", "crash"),
      pick: fc.nat(1000),
      hours: fc.nat(60),
    });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 30, size: "max" }),
      fc.integer({ min: 1, max: 4 }),
      async (events, page) => {
        fake = await startSlackFake(new Map([[channel, { messages: [], replies: new Map() }]]));
        fake.limits.page = page;
        const world = new Workspace(fake);
        const source = aSource();
        const met = new Map<string, string>();
        let cursor: string | null = null;
        const read = async (pages?: number): Promise<void> => {
          const pass = await readPass(readSlack, source, cursor, context(world.now()), pages);
          for (const { id, value } of pass.items) met.set(id, JSON.stringify(shape(value)));
          cursor = pass.cursor;
        };
        await playHistory(fake, events, (event, underway) => world.happen(underway ? soon(event) : event), read);
        // The first pass may be the rest of one that broke off.
        await read();
        await read();
        for (const [id, state] of world.threads()) expect(met.get(id)).toBe(state);
        await fake.stop();
      },
    );
    await fc.assert(runs, { numRuns: 25 });
    fake = await startSlackFake();
  });
});

/** A workspace in which things happen, never to threads older than a source looks back. */
class Workspace {
  readonly #fake: SlackFake;
  #seconds = 1_767_600_000;
  #serial = 0;

  constructor(fake: SlackFake) {
    this.#fake = fake;
  }

  now(): string {
    return new Date((this.#seconds + 1) * 1000).toISOString();
  }

  happen({ kind, pick, hours }: { kind: string; pick: number; hours: number }): void {
    const { messages, replies } = this.#fake.channels.get(channel)!;
    this.#seconds += kind === "post" ? Math.round(hours * 3600) : 1;
    if (kind === "post") messages.push(aMessage(this.#ts(0), `question ${this.#serial}`));
    if (kind === "late")
      messages.push(aMessage(this.#ts(Math.round(Math.min(hours, 40) * 3600)), `late ${this.#serial}`));
    const newest = Math.max(...messages.map(({ ts }) => Number(ts)));
    const young = messages.filter(({ ts }) => Number(ts) > newest - 6 * daySeconds);
    const target = young[pick % Math.max(1, young.length)];
    if (target === undefined) return;
    if (kind === "edit") target.text = `edited ${this.#serial++}`;
    if (kind === "react") target.reactions = [{ name: "eyes", users: [], count: this.#serial++ }];
    if (kind === "reply")
      replies.set(target.ts, [
        ...(replies.get(target.ts) ?? []),
        aReply(target.ts, this.#ts(0), `answer ${this.#serial}`),
      ]);
  }

  threads(): [string, string][] {
    const { messages, replies } = this.#fake.channels.get(channel)!;
    return messages.map((message) => {
      const value = { ...message, replies: replies.get(message.ts) ?? [] };
      return [`${channel}-${message.ts}`, JSON.stringify(shape(value))];
    });
  }

  #ts(age: number): string {
    return `${this.#seconds - age}.${String(this.#serial++).padStart(6, "0")}`;
  }
}

/** A pass takes minutes, not days. */
function soon<T extends { hours: number }>(event: T): T {
  return { ...event, hours: event.hours / 100 };
}

function shape(value: unknown) {
  const { text, reactions, replies } = value as SlackFakeMessage & { replies: SlackFakeMessage[] };
  return { text, reactions: reactions?.map(({ count }) => count) ?? [], replies: replies.map((reply) => reply.text) };
}

function aMessage(ts: string, text: string): SlackFakeMessage {
  return { type: "message", user: "U1", text, ts };
}

function aReply(thread: string, ts: string, text: string): SlackFakeMessage {
  return { type: "message", user: "U2", text, ts, thread_ts: thread };
}
