/**
 * Reads channels of Discord from the oldest message on. An item is a chain of replies: a message that nobody has replied
 * to, and all it replies to, back to where it began, however long ago.
 */
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import type { DiscordSource } from "../../domain/discord-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import { answeredBy, Chains, discordMessageSchema, isSaid, type DiscordMessage } from "./discord-chains.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { callService, isNotFound, type Advise } from "./service-call.ts";

/** Messages asked for at once, the most Discord gives. */
const pageSize = 100;
const dayMs = 24 * 60 * 60 * 1000;
/** Discord's ids count milliseconds from the start of 2015 in their upper bits. */
const epochMs = Date.UTC(2015, 0, 1);
const timeShift = 22n;

/** The newest message met, by channel. */
const cursorSchema = z.object({ upTo: z.record(z.string(), z.string().regex(/^\d{1,20}$/)) });

/**
 * Chains of channels. A chain is given out when `revisitDays` have gone by in the channel without another reply, or the
 * channel is read to its end; a pass starts that much before the last one's end, so that a chain that grew is met again.
 */
export const readDiscord: ItemReader<DiscordSource> = async function* (source, text, context) {
  const cursor = text === null ? { upTo: {} } : parseCursor(source.id, cursorSchema, text);
  const windowMs = source.revisitDays * dayMs;
  for (const channel of source.channels) {
    const chains = new Chains((id) => fetchMessage(source, context, channel, id));
    let after = startOf(source, cursor.upTo[channel], windowMs);
    let messages: DiscordMessage[];
    do {
      messages = await pageAfter(source, context, channel, after);
      chains.add(messages);
      const last = messages.at(-1);
      after = BigInt(last?.id ?? after);
      const settled = await chains.settle(last ? snowflake(timeOf(after) - windowMs) : after + 1n);
      if (last) cursor.upTo[channel] = last.id;
      yield { items: settled.map((chain) => toItem(channel, chain)), cursor: JSON.stringify(cursor) };
    } while (messages.length > 0);
  }
};

/** Messages after an id, the oldest first. */
async function pageAfter(
  source: DiscordSource,
  context: ReadContext,
  channel: string,
  after: bigint,
): Promise<DiscordMessage[]> {
  const query = new URLSearchParams({ after: String(after), limit: String(pageSize) });
  const path = `channels/${channel}/messages?${query}`;
  const messages = await call(source, context, path, z.array(discordMessageSchema));
  const said = messages.filter(isSaid);
  if (said.filter(isHollow).length * 2 > said.length) {
    const advice = "switch the Message Content intent on, on the bot's page of Discord's developer portal";
    throw new TypedFailure(
      "Refused",
      `source ${source.id}: Discord sends messages of channel ${channel} without text: ${advice}`,
    );
  }
  return messages.toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
}

/** A message has a text, a file, a sticker or the like: without any, Discord keeps its content back. */
function isHollow(message: DiscordMessage): boolean {
  const parts = [
    message.content,
    ...["attachments", "embeds", "sticker_items", "components", "message_snapshots", "poll"].map(
      (name) => message[name],
    ),
  ];
  return parts.every(
    (part) => part === undefined || part === null || part === "" || (Array.isArray(part) && part.length === 0),
  );
}

async function fetchMessage(
  source: DiscordSource,
  context: ReadContext,
  channel: string,
  id: string,
): Promise<DiscordMessage | null> {
  try {
    return await call(source, context, `channels/${channel}/messages/${id}`, discordMessageSchema);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function toItem(channel: string, chain: DiscordMessage[]): RawItem {
  const [first, ...replies] = chain.map(withoutReferenced);
  const last = chain.at(-1);
  if (first === undefined || last === undefined) throw new Error("a chain has a message");
  const counts = new Map<string, number>();
  for (const { emoji, count } of chain.flatMap(({ reactions }) => reactions)) {
    const name = emoji.name ?? "";
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const guild = chain.map(({ message_reference }) => message_reference?.guild_id).find((id) => id);
  return {
    id: `${channel}-${last.id}`,
    at: `https://discord.com/channels/${guild ?? "@me"}/${channel}/${last.id}`,
    receivedAt: new Date(last.timestamp).toISOString(),
    value: {
      ...first,
      channel_id: channel,
      // What a deleted message began still belongs together.
      root_id: answeredBy(chain[0] ?? last) ?? first.id,
      replies,
      all_reactions: [...counts].map(([name, count]) => ({ name, count })),
    },
  };
}

/** What it answers stands before it anyway. */
function withoutReferenced(message: DiscordMessage): Omit<DiscordMessage, "referenced_message"> {
  const { referenced_message: _, ...rest } = message;
  return rest;
}

function startOf(source: DiscordSource, upTo: string | undefined, windowMs: number): bigint {
  const since = source.since === undefined ? 0n : snowflake(Date.parse(source.since)) - 1n;
  const known = upTo === undefined ? 0n : snowflake(timeOf(BigInt(upTo)) - windowMs) - 1n;
  return [since, known, 0n].reduce((a, b) => (a > b ? a : b));
}

/** The smallest id of its millisecond. */
function snowflake(ms: number): bigint {
  return BigInt(Math.max(0, Math.floor(ms) - epochMs)) << timeShift;
}

function timeOf(id: bigint): number {
  return Number(id >> timeShift) + epochMs;
}

async function call<T extends z.ZodType>(
  source: DiscordSource,
  context: ReadContext,
  path: string,
  schema: T,
): Promise<z.infer<T>> {
  const headers = { authorization: `Bot ${context.secret(source.tokenSecret)}` };
  const { value } = await callService(
    context,
    source,
    { url: `${source.apiUrl}/${path}`, headers },
    schema,
    adviceOn(source),
  );
  return value;
}

/** What Discord means by its refusals. */
function adviceOn({ tokenSecret }: DiscordSource): Advise {
  return ({ status }) => {
    if (status === 401) return { advice: `put the bot's token, without "Bot" before it, into ${tokenSecret}` };
    if (status === 403) return { advice: "give the bot View Channel and Read Message History in this channel" };
    if (status === 404) return { advice: "check the channel's id, and that the bot is in its server" };
    return null;
  };
}
