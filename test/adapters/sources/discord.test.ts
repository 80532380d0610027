import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { readDiscord } from "../../../src/adapters/sources/discord.ts";
import { discordSourceSchema, type DiscordSource } from "../../../src/domain/discord-source-schema.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import {
  discordToken,
  startDiscordFake,
  type DiscordFake,
  type DiscordFakeMessage,
} from "../../support/discord-fake.ts";
import { failureOfPass, playHistory, readContext, readPass } from "../../support/source-reading.ts";

const channel = "1457300000000000000";
const [lost, patch, answer, again, cloud] = [
  "1457651267403776001",
  "1457653268086784001",
  "1457656267014144001",
  "1457657265258496001",
  "1457658267697152001",
] as const;
const dayMs = 86_400_000;

let fake: DiscordFake;
afterEach(() => fake.stop());

function aSource(overrides: Partial<DiscordSource> = {}): DiscordSource {
  const apiUrl = `${fake.url}/api/v10`;
  return discordSourceSchema.parse({
    id: "players",
    kind: "discord",
    tokenSecret: "DISCORD_TOKEN",
    channels: [channel],
    apiUrl,
    ...overrides,
  });
}

function context(token = discordToken) {
  return readContext({ hosts: [fake.host], secrets: { DISCORD_TOKEN: token } });
}

describe("readDiscord", () => {
  it("makes one item of a reply that nobody replied to, with all it replies to", async () => {
    fake = await startDiscordFake();
    const { items } = await readPass(readDiscord, aSource(), null, context());
    expect(items.map(({ id }) => id)).toEqual([`${channel}-${patch}`, `${channel}-${cloud}`]);
    expect(items[1]).toMatchObject({
      at: `https://discord.com/channels/1457200000000000000/${channel}/${cloud}`,
      receivedAt: "2026-01-05T08:53:33.000Z",
      value: {
        id: lost,
        root_id: lost,
        content: "My save file is gone after the update. Is there a backup somewhere?",
        replies: [{ id: answer }, { id: again }, { id: cloud }],
        all_reactions: [{ name: "✅", count: 1 }],
      },
    });
  });

  it("gives a chain out once, however many pages it is spread over", async () => {
    fake = await startDiscordFake();
    fake.limits.page = 1;
    const { items } = await readPass(readDiscord, aSource(), null, context());
    expect(items.map(({ id }) => id)).toEqual([`${channel}-${patch}`, `${channel}-${cloud}`]);
  });

  it("ends where it began when there is nothing new", async () => {
    fake = await startDiscordFake();
    const { cursor } = await readPass(readDiscord, aSource(), null, context());
    expect((await readPass(readDiscord, aSource(), cursor, context())).cursor).toBe(cursor);
  });

  it("gives the mapping that comes with it turns of who asked and who answered", async () => {
    fake = await startDiscordFake();
    const source = aSource();
    const { items } = await readPass(readDiscord, source, null, context());
    const made = items.map(({ value }) => compileMapping(source.map)(value));
    expect(made[0]).toHaveProperty("leftOut");
    expect(made[1]).toEqual({
      chat: {
        messages: [
          { role: "user", content: expect.stringContaining("My save file") },
          { role: "assistant", content: expect.stringContaining("saves/backup") },
          { role: "user", content: "And if that folder is empty?" },
          { role: "assistant", content: expect.stringContaining("Cloud saves") },
        ],
        author: "880000000000000001",
        group: `${channel}-${lost}`,
        labels: { channel, reactions: "✅", solved: true },
      },
    });
  });

  it("follows a late reply back to where it began, however long ago, and keeps its group", async () => {
    fake = await startDiscordFake();
    const { cursor } = await readPass(readDiscord, aSource(), null, context());
    const late = aMessage(idAt(Date.parse("2026-03-01")), "Still works!", cloud);
    fake.channels.get(channel)!.push(aMessage(idAt(Date.parse("2026-02-01")), "Hello"), late);
    const { items } = await readPass(readDiscord, aSource(), cursor, context());
    const value = items.find(({ id }) => id.endsWith(late.id))?.value;
    expect(value).toMatchObject({ root_id: lost, replies: [{}, {}, {}, { content: "Still works!" }] });
  });

  it("groups what answers a deleted message by that message", async () => {
    fake = await startDiscordFake();
    fake.channels.set(
      channel,
      fake.channels.get(channel)!.filter(({ id }) => id !== lost),
    );
    const { items } = await readPass(readDiscord, aSource(), null, context());
    expect(items.at(-1)?.value).toMatchObject({ id: answer, root_id: lost });
  });

  it("starts at `since`, and reads a channel that is added from there", async () => {
    fake = await startDiscordFake();
    const { items } = await readPass(readDiscord, aSource({ since: "2026-01-05T08:33:00Z" }), null, context());
    expect(fake.requests[0]?.path).toContain(`after=${BigInt(idAt(Date.parse("2026-01-05T08:33:00Z"))) - 1n}`);
    expect(items).toHaveLength(2);
  });

  it("does not take empty messages for messages: Discord keeps contents from a bot without the intent", async () => {
    fake = await startDiscordFake();
    for (const message of fake.channels.get(channel)!) message.content = "";
    const failure = await failureOfPass(readDiscord, aSource(), context());
    expect(failure).toMatchObject({ type: "Refused", message: expect.stringContaining("Message Content intent") });
  });

  it("waits as Discord's headers say", async () => {
    fake = await startDiscordFake();
    const body = { message: "You are being rate limited.", retry_after: 0.01, global: false };
    fake.fail({ status: 429, headers: { "retry-after": "0.01", "x-ratelimit-remaining": "0" }, body });
    expect((await readPass(readDiscord, aSource(), null, context())).items).toHaveLength(2);
    fake.fail({ status: 429, headers: { "retry-after": "300" }, body });
    expect(await failureOfPass(readDiscord, aSource(), context())).toMatchObject({
      type: "RateLimited",
      retryAfterMs: 300_000,
    });
  });

  it.each([
    [{ status: 401, body: { message: "401: Unauthorized", code: 0 } }, "Refused", "into DISCORD_TOKEN"],
    [{ status: 403, body: { message: "Missing Access", code: 50001 } }, "Refused", "Read Message History"],
    [{ status: 404, body: { message: "Unknown Channel", code: 10003 } }, "NotFound", "check the channel's id"],
    [{ status: 500, body: "<html>oops</html>" }, "Unavailable", "500"],
    [{ status: 200, body: "<html>checking your browser</html>" }, "Unavailable", "not JSON"],
    [{ status: 200, body: [{ id: "x" }] }, "InvalidData", "0.id"],
    [{ status: 200, hangUp: true }, "Unavailable", "players"],
  ])("names the source and what to do when %o is answered", async (fault, type, advice) => {
    fake = await startDiscordFake();
    fake.fail(fault);
    const failure = await failureOfPass(readDiscord, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source players: ") });
    expect(failure.message).toContain(advice);
    expect(failure.message).not.toContain(discordToken);
  });

  it("never skips: every chain is met as it became, whatever happens while it is read", async () => {
    const event = fc.record({
      kind: fc.constantFrom("say", "late", "reply", "react", "edit", "read", "crash"),
      pick: fc.nat(1000),
      hours: fc.nat(40),
    });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 30, size: "max" }),
      fc.integer({ min: 1, max: 4 }),
      async (events, page) => {
        fake = await startDiscordFake(new Map([[channel, []]]));
        fake.limits.page = page;
        const world = new Channel(fake.channels.get(channel)!);
        const met = new Map<string, string>();
        let cursor: string | null = null;
        const read = async (pages?: number): Promise<void> => {
          const pass = await readPass(readDiscord, aSource(), cursor, context(), pages);
          for (const { value } of pass.items) {
            const chain = [value, ...(value as { replies: unknown[] }).replies] as DiscordFakeMessage[];
            met.set(chain.at(-1)!.id, shape(chain));
          }
          cursor = pass.cursor;
        };
        await playHistory(fake, events, (event, underway) => world.happen(underway ? soon(event) : event), read);
        await read();
        for (const chain of world.chains()) expect(met.get(chain.at(-1)!.id)).toBe(shape(chain));
        await fake.stop();
      },
    );
    await fc.assert(runs, { numRuns: 25 });
    fake = await startDiscordFake();
  });
});

/** A channel in which things happen: anything is replied to, the messages of two days are edited and reacted to. */
class Channel {
  readonly #messages: DiscordFakeMessage[];
  #ms = Date.parse("2026-01-05T00:00:00Z");
  #serial = 0;

  constructor(messages: DiscordFakeMessage[]) {
    this.#messages = messages;
  }

  happen({ kind, pick, hours }: { kind: string; pick: number; hours: number }): void {
    const hoursMs = Math.round(hours * 3_600_000);
    this.#ms += kind === "say" || kind === "reply" ? hoursMs : 1000;
    const any = this.#messages[pick % Math.max(1, this.#messages.length)];
    if (kind === "say") this.#say(this.#ms);
    if (kind === "late") this.#say(this.#ms - hoursMs);
    if (kind === "reply" && any) this.#say(this.#ms, any.id);
    const newest = Math.max(...this.#messages.map(({ timestamp }) => Date.parse(timestamp)));
    const young = this.#messages.filter(({ timestamp }) => Date.parse(timestamp) > newest - 2 * dayMs);
    const target = young[pick % Math.max(1, young.length)];
    if (kind === "edit" && target) target.content = `edited ${this.#serial++}`;
    if (kind === "react" && target) target["reactions"] = [{ emoji: { id: null, name: "👍" }, count: ++this.#serial }];
  }

  chains(): DiscordFakeMessage[][] {
    const byId = new Map(this.#messages.map((message) => [message.id, message]));
    const answered = new Set(this.#messages.map(({ message_reference }) => message_reference?.message_id));
    return this.#messages
      .filter(({ id }) => !answered.has(id))
      .map((last) => {
        const chain = [last];
        for (let first = last; ; chain.unshift(first)) {
          const before = byId.get(first.message_reference?.message_id ?? "");
          if (before === undefined) return chain;
          first = before;
        }
      });
  }

  #say(ms: number, answers?: string): void {
    this.#messages.push(aMessage(idAt(ms, ++this.#serial), `text ${this.#serial}`, answers));
  }
}

/** A pass takes minutes, not days. */
function soon<T extends { hours: number }>(event: T): T {
  return { ...event, hours: event.hours / 100 };
}

function shape(chain: DiscordFakeMessage[]): string {
  const reactions = (message: DiscordFakeMessage) => (message["reactions"] as { count: number }[] | undefined) ?? [];
  return JSON.stringify(
    chain.map((message) => [message.id, message.content, reactions(message).map(({ count }) => count)]),
  );
}

function idAt(ms: number, serial = 0): string {
  return String((BigInt(ms - Date.UTC(2015, 0, 1)) << 22n) + BigInt(serial));
}

function aMessage(id: string, content: string, answers?: string): DiscordFakeMessage {
  const timestamp = new Date(Number(BigInt(id) >> 22n) + Date.UTC(2015, 0, 1)).toISOString();
  const message = { id, channel_id: channel, content, timestamp, author: { id: "1", username: "a" } };
  if (answers === undefined) return { ...message, type: 0 };
  return { ...message, type: 19, message_reference: { type: 0, channel_id: channel, message_id: answers } };
}
