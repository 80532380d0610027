/**
 * Reads channels of a Slack workspace: a thread with its replies and reactions is one item, and so is a message that
 * nobody answered. Histories are read from the newest message back, so a cursor says how far back its pass has come.
 */
import { z } from "zod";
import { TypedFailure, type FailureType } from "../../domain/failures.ts";
import type { SlackSource } from "../../domain/slack-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { callService } from "./service-call.ts";
import { plainText } from "./slack-text.ts";

/** Messages asked for at once; Slack recommends no more. */
const pageSize = 200;
/** Messages of a page: each may cost a request for its thread, and a pass that breaks off goes on after the last page. */
const pageItems = 20;
const dayMs = 24 * 60 * 60 * 1000;

const messageSchema = z.looseObject({
  ts: z.string().regex(/^\d+\.\d+$/),
  subtype: z.string().optional(),
  text: z.string().default(""),
  thread_ts: z.string().optional(),
  reply_count: z.number().default(0),
  reactions: z.array(z.looseObject({ name: z.string(), count: z.number() })).default([]),
});
type SlackMessage = z.infer<typeof messageSchema>;

const answerSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    messages: z.array(messageSchema),
    has_more: z.boolean().default(false),
    response_metadata: z.object({ next_cursor: z.string().default("") }).optional(),
  }),
  z.object({ ok: z.literal(false), error: z.string(), needed: z.string().optional() }),
]);
type SlackAnswer = z.infer<typeof answerSchema>;

/** `upTo`: newest message met, of channels that were read to the end; `at`: where an unfinished pass is. */
const cursorSchema = z.object({
  upTo: z.record(z.string(), z.string()),
  at: z.object({ channel: z.string(), before: z.string().nullable(), newest: z.string().nullable() }).optional(),
});

/** What Slack itself says between the messages of people. */
const housekeeping =
  /^(channel|group)_(join|leave|topic|purpose|name|archive|unarchive|convert_to_private|posting_permissions)$|^(tombstone|bot_add|bot_remove|pinned_item|reminder_add)$/;

/**
 * Threads of channels, the newest first. Each pass meets the threads of the last `revisitDays` again, because Slack does
 * not say which of them got replies, edits or reactions since. An older thread is met again when a reply to it is also
 * sent to the channel.
 */
export const readSlack: ItemReader<SlackSource> = async function* (source, text, context) {
  const cursor = text === null ? { upTo: {} } : parseCursor(source.id, cursorSchema, text);
  const resumed = source.channels.findIndex((channel) => channel === cursor.at?.channel);
  const ahead = source.channels.slice(Math.max(resumed, 0));
  for (const [index, channel] of ahead.entries()) {
    let { before, newest } = cursor.at?.channel === channel ? cursor.at : { before: null, newest: null };
    for await (const messages of history(source, context, channel, oldestOf(source, cursor.upTo[channel]), before)) {
      newest ??= messages[0]?.ts ?? null;
      const items = await itemsOf(source, context, channel, messages);
      before = messages.at(-1)?.ts ?? before;
      cursor.at = { channel, before, newest };
      yield { items, cursor: JSON.stringify(cursor) };
    }
    if (newest !== null) cursor.upTo[channel] = newest;
    const next = ahead[index + 1];
    cursor.at = next === undefined ? undefined : { channel: next, before: null, newest: null };
    yield { items: [], cursor: JSON.stringify(cursor) };
  }
};

/** Messages after `oldest`, the newest first, in groups; none after `before`. */
async function* history(
  source: SlackSource,
  context: ReadContext,
  channel: string,
  oldest: string,
  before: string | null,
): AsyncGenerator<SlackMessage[]> {
  let latest = before ?? timestamp(context.now().getTime());
  for (;;) {
    // By time and not by Slack's cursor: what a pass goes on from must outlive that.
    const asked = { channel, oldest, latest, limit: String(pageSize) };
    const answer = accepted(source, channel, await call(source, context, "conversations.history", asked));
    const messages = answer.messages.toSorted((a, b) => (a.ts < b.ts ? 1 : -1));
    for (let at = 0; at < messages.length; at += pageItems) yield messages.slice(at, at + pageItems);
    latest = messages.at(-1)?.ts ?? latest;
    if (!answer.has_more || messages.length === 0) return;
  }
}

async function itemsOf(
  source: SlackSource,
  context: ReadContext,
  channel: string,
  messages: SlackMessage[],
): Promise<RawItem[]> {
  const items: RawItem[] = [];
  for (const message of messages) {
    if (message.subtype !== undefined && housekeeping.test(message.subtype)) continue;
    const root = message.thread_ts ?? message.ts;
    const alone = root === message.ts && message.reply_count === 0;
    const thread = alone ? [message] : await threadOf(source, context, channel, root);
    const parent = thread.find(({ ts }) => ts === root);
    // Deleted since the history was read, or a reply whose thread was.
    if (parent === undefined) continue;
    items.push(
      toItem(
        channel,
        parent,
        thread.filter((reply) => reply !== parent),
      ),
    );
  }
  return items;
}

async function threadOf(
  source: SlackSource,
  context: ReadContext,
  channel: string,
  ts: string,
): Promise<SlackMessage[]> {
  const messages: SlackMessage[] = [];
  let cursor: string | undefined;
  do {
    const asked = { channel, ts, limit: String(pageSize), ...(cursor === undefined ? {} : { cursor }) };
    const answer = await call(source, context, "conversations.replies", asked);
    if (!answer.ok && answer.error === "thread_not_found") return [];
    const page = accepted(source, channel, answer);
    messages.push(...page.messages);
    cursor = page.response_metadata?.next_cursor;
  } while (cursor);
  return messages;
}

function toItem(channel: string, parent: SlackMessage, replies: SlackMessage[]): RawItem {
  const shown = (message: SlackMessage) => ({ ...message, text: plainText(message.text) });
  const counts = new Map<string, number>();
  for (const { name, count } of [parent, ...replies].flatMap(({ reactions }) => reactions))
    counts.set(name, (counts.get(name) ?? 0) + count);
  const last = replies.map(({ ts }) => ts).reduce((a, b) => (a > b ? a : b), parent.ts);
  return {
    id: `${channel}-${parent.ts}`,
    at: `https://slack.com/archives/${channel}/p${parent.ts.replace(".", "")}`,
    receivedAt: new Date(Number(last) * 1000).toISOString(),
    value: {
      ...shown(parent),
      channel,
      replies: replies.map(shown),
      all_reactions: [...counts].map(([name, count]) => ({ name, count })),
    },
  };
}

async function call(
  source: SlackSource,
  context: ReadContext,
  method: string,
  query: Record<string, string>,
): Promise<SlackAnswer> {
  const url = `${source.apiUrl}/${method}?${new URLSearchParams(query)}`;
  const headers = { authorization: `Bearer ${context.secret(source.tokenSecret)}` };
  return (await callService(context, source, { url, headers }, answerSchema)).value;
}

function accepted(source: SlackSource, channel: string, answer: SlackAnswer): Extract<SlackAnswer, { ok: true }> {
  if (answer.ok) return answer;
  const [type, advice] = refusal(answer.error, source, channel, answer.needed);
  throw new TypedFailure(type, `source ${source.id}: Slack answers ${answer.error} for channel ${channel}: ${advice}`);
}

/** What Slack's own word for a refusal means here, and what to do. */
function refusal(
  error: string,
  source: SlackSource,
  channel: string,
  needed = "channels:history",
): [FailureType, string] {
  switch (error) {
    case "not_authed":
    case "invalid_auth":
    case "account_inactive":
    case "token_revoked":
    case "token_expired":
      return ["Refused", `put the bot token of an installed app (xoxb-...) into ${source.tokenSecret}`];
    case "missing_scope":
      return ["Refused", `add the scope ${needed} to the app and install it again`];
    case "not_allowed_token_type":
      return ["Refused", `this workspace wants a user token (xoxp-...) in ${source.tokenSecret}`];
    case "not_in_channel":
      return ["Refused", "invite the app into the channel: /invite @its-name"];
    case "channel_not_found":
      return [
        "NotFound",
        "check the id; into a private channel the app must be invited, with the scope groups:history",
      ];
    case "ratelimited":
    case "rate_limited":
      return ["RateLimited", "it is asked again later"];
    case "internal_error":
    case "fatal_error":
    case "service_unavailable":
    case "request_timeout":
    case "team_added_to_org":
      return ["Unavailable", "it is asked again later"];
    default:
      return ["Refused", "its documentation of conversations.history says what that means"];
  }
}

/** Messages before are left out: by the backfill window, or as read and not read again. */
function oldestOf(source: SlackSource, upTo: string | undefined): string {
  const sinceMs = source.since === undefined ? 0 : Date.parse(source.since);
  const knownMs = upTo === undefined ? 0 : Number(upTo) * 1000 - source.revisitDays * dayMs;
  return timestamp(Math.max(sinceMs, knownMs, 1) - 1);
}

/** Slack's times are seconds, with microseconds after the point. */
function timestamp(ms: number): string {
  return (ms / 1000).toFixed(6);
}
