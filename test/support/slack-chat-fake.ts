/** A local stand-in for the methods of Slack's Web API that post and change messages, with its limits and its refusals. */
import type { Context } from "hono";
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** A message as Slack keeps it. */
export interface ChatMessage {
  channel: string;
  ts: string;
  text: string;
  blocks: Block[];
  thread_ts?: string;
  reply_broadcast?: boolean;
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  /** How often it was changed. */
  edits: number;
}

/** As far as limits are about it. */
export interface Block {
  type: string;
  text?: { type: string; text: string; verbatim?: boolean };
  fields?: { type: string; text: string; verbatim?: boolean }[];
  elements?: { type: string; text: string; verbatim?: boolean }[];
}

/** A workspace with one channel, `#models`, that the bot is in. */
export interface SlackChatFake extends ServiceFake {
  messages: ChatMessage[];
  /** Scopes of the token. */
  scopes: Set<string>;
  /** Runs when a message has been posted and is not answered yet; what it answers is answered instead. */
  afterPost(happen: (() => Response | undefined) | null): void;
}

export const chatToken = "xoxb-canary-that-must-not-be-seen";
export const chatChannel = "C0123456789";

/** Serves the workspace; `stop()` it in the end. */
export async function startSlackChatFake(): Promise<SlackChatFake> {
  const messages: ChatMessage[] = [];
  const scopes = new Set(["chat:write"]);
  let posted: (() => Response | undefined) | null = null;
  const fake = await serveFake((app) => {
    app.post("/api/chat.postMessage", async (context) => {
      const asked = await form(context);
      const refusal = refusalOf(context, asked, scopes, "chat:write") ?? invalid(asked);
      if (refusal !== null) return context.json(refusal);
      const ts = `${1_700_000_000 + messages.length}.000100`;
      const message = { channel: chatChannel, ts, edits: 0, ...contentOf(asked) };
      messages.push(message);
      return posted?.() ?? context.json({ ok: true, channel: chatChannel, ts, message: shown(message) });
    });
    app.post("/api/chat.update", async (context) => {
      const asked = await form(context);
      // Unlike chat.postMessage, it takes no names of channels.
      if (asked["channel"]?.startsWith("#")) return context.json({ ok: false, error: "channel_not_found" });
      const refusal = refusalOf(context, asked, scopes, "chat:write") ?? invalid(asked);
      if (refusal !== null) return context.json(refusal);
      const message = messages.find(({ ts }) => ts === asked["ts"]);
      if (message === undefined) return context.json({ ok: false, error: "message_not_found" });
      const { text, blocks } = contentOf(asked);
      Object.assign(message, { text, blocks, edits: message.edits + 1 });
      return context.json({ ok: true, channel: chatChannel, ts: message.ts, text, message: shown(message) });
    });
    const read = (pick: (message: ChatMessage, ts: string | undefined) => boolean) => async (context: Context) => {
      const asked = await form(context);
      const refusal = refusalOf(context, asked, scopes, "channels:history");
      if (refusal !== null) return context.json(refusal);
      const found = messages.filter((message) => pick(message, asked["ts"]));
      return context.json({ ok: true, messages: found.toReversed().map(shown), has_more: false });
    };
    app.post(
      "/api/conversations.history",
      read(({ thread_ts }) => thread_ts === undefined),
    );
    app.post(
      "/api/conversations.replies",
      read((message, ts) => message.ts === ts || message.thread_ts === ts),
    );
  });
  return { ...fake, messages, scopes, afterPost: (happen) => void (posted = happen) };
}

async function form(context: Context): Promise<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(await context.req.text()));
}

function refusalOf(
  context: Context,
  asked: Record<string, string>,
  scopes: Set<string>,
  needed: string,
): object | null {
  if (context.req.header("authorization") !== `Bearer ${chatToken}`) return { ok: false, error: "invalid_auth" };
  if (!scopes.has(needed)) return { ok: false, error: "missing_scope", needed, provided: [...scopes].join(",") };
  if (![chatChannel, "#models"].includes(asked["channel"] ?? "")) return { ok: false, error: "channel_not_found" };
  return null;
}

/** The limits of Block Kit. */
function invalid(asked: Record<string, string>): object | null {
  const { blocks, text } = contentOf(asked);
  const problem = blocks.length > 50 || blocks.some((block) => !fits(block)) || text.length === 0;
  return problem ? { ok: false, error: "invalid_blocks" } : null;
}

function fits({ type, text, fields = [], elements = [] }: Block): boolean {
  const longest = type === "header" ? 150 : 3000;
  const length = text?.text.length ?? 1;
  return (
    length > 0 &&
    length <= longest &&
    fields.length <= 10 &&
    fields.every((field) => field.text.length <= 2000) &&
    elements.length <= 10 &&
    elements.every((element) => element.text.length <= 3000)
  );
}

function contentOf(asked: Record<string, string>): Omit<ChatMessage, "channel" | "ts" | "edits"> {
  const { text = "", blocks = "[]", thread_ts, reply_broadcast, metadata } = asked;
  return {
    text,
    blocks: JSON.parse(blocks),
    ...(thread_ts === undefined ? {} : { thread_ts }),
    ...(reply_broadcast === undefined ? {} : { reply_broadcast: reply_broadcast === "true" }),
    ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) }),
  };
}

function shown(message: ChatMessage): object {
  return { type: "message", subtype: "bot_message", bot_id: "B0123456789", ...message, edits: undefined };
}
