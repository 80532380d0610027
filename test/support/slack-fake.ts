/** A local stand-in for the two methods of Slack's Web API that read channels, with their paging and their refusals. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** A message as Slack keeps it; `ts` is its time and its id. */
export interface SlackFakeMessage {
  type: "message";
  ts: string;
  user?: string;
  text?: string;
  thread_ts?: string;
  subtype?: string;
  reactions?: { name: string; users: string[]; count: number }[];
  [field: string]: unknown;
}

/** A workspace to read: channels by id, each with the messages of its history and the replies of its threads. */
export interface SlackFake extends ServiceFake {
  channels: Map<string, { messages: SlackFakeMessage[]; replies: Map<string, SlackFakeMessage[]> }>;
  /** Slack may answer with fewer messages than asked for. */
  limits: { page: number };
}

/** What the stand-in takes for a valid token. */
export const slackToken = "xoxb-local-not-a-secret";

/** Serves a workspace; without arguments that of the fixture. */
export async function startSlackFake(
  channels: SlackFake["channels"] = fixtureChannels(),
  port = 0,
): Promise<SlackFake> {
  const limits = { page: Infinity };
  const fake = await serveFake((app) => {
    app.all("/api/conversations.history", (context) => {
      const channel = admitted(context, channels);
      if ("error" in channel) return context.json({ ok: false, ...channel });
      const newestFirst = channel.messages.toSorted((a, b) => b.ts.localeCompare(a.ts));
      return paged(
        context,
        limits.page,
        between(context, newestFirst).map((message) => withThread(message, channel.replies)),
      );
    });
    app.all("/api/conversations.replies", (context) => {
      const channel = admitted(context, channels);
      if ("error" in channel) return context.json({ ok: false, ...channel });
      const ts = context.req.query("ts") ?? "";
      const parent = channel.messages.find((message) => message.ts === ts);
      const replies = channel.replies.get(ts) ?? [];
      if (parent === undefined && replies.length === 0) return context.json({ ok: false, error: "thread_not_found" });
      const thread = [...(parent === undefined ? [] : [withThread(parent, channel.replies)]), ...replies];
      return paged(
        context,
        limits.page,
        between(
          context,
          thread.toSorted((a, b) => a.ts.localeCompare(b.ts)),
        ),
      );
    });
  }, port);
  return { ...fake, channels, limits };
}

/** The channel of `test/fixtures/sources/slack/channel.json`. */
export function fixtureChannels(): SlackFake["channels"] {
  const file = new URL("../fixtures/sources/slack/channel.json", import.meta.url);
  const { channel, messages, replies } = JSON.parse(readFileSync(file, "utf8"));
  return new Map([[channel, { messages, replies: new Map(Object.entries(replies)) }]]);
}

function admitted(context: Context, channels: SlackFake["channels"]) {
  const token = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
  if (token === undefined) return { error: "not_authed" };
  if (token !== slackToken) return { error: "invalid_auth" };
  return channels.get(context.req.query("channel") ?? "") ?? { error: "channel_not_found" };
}

/** Both bounds are exclusive, as without `inclusive`. */
function between(context: Context, messages: SlackFakeMessage[]): SlackFakeMessage[] {
  const [oldest, latest] = [Number(context.req.query("oldest") ?? 0), Number(context.req.query("latest") ?? Infinity)];
  return messages.filter(({ ts }) => Number(ts) > oldest && Number(ts) < latest);
}

/** Slack's cursors name the message that the next page begins with, so that what is posted meanwhile shifts nothing. */
function paged(context: Context, most: number, messages: SlackFakeMessage[]): Response {
  const limit = Math.min(most, Number(context.req.query("limit") ?? 100));
  const cursor = context.req.query("cursor");
  const from = cursor ? Buffer.from(cursor, "base64").toString().replace("next_ts:", "") : null;
  const start = from === null ? 0 : messages.findIndex(({ ts }) => ts === from);
  if (start === -1) return context.json({ ok: false, error: "invalid_cursor" });
  const page = messages.slice(start, start + limit);
  const next = messages[start + limit];
  return context.json({
    ok: true,
    messages: page,
    has_more: next !== undefined,
    pin_count: 0,
    ...(next ? { response_metadata: { next_cursor: Buffer.from(`next_ts:${next.ts}`).toString("base64") } } : {}),
  });
}

function withThread(message: SlackFakeMessage, threads: Map<string, SlackFakeMessage[]>): SlackFakeMessage {
  const replies = threads.get(message.ts) ?? [];
  if (replies.length === 0) return message;
  return {
    ...message,
    thread_ts: message.ts,
    reply_count: replies.length,
    reply_users: [...new Set(replies.map(({ user }) => user ?? ""))],
    latest_reply: replies
      .map(({ ts }) => ts)
      .toSorted()
      .at(-1),
  };
}
