/** A local stand-in for how Discord serves the messages of a channel. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** A message as Discord keeps it; its id (a snowflake) holds its time. */
export interface DiscordFakeMessage {
  id: string;
  type: number;
  channel_id: string;
  content: string;
  timestamp: string;
  message_reference?: { message_id?: string; channel_id: string; type?: number };
  [field: string]: unknown;
}

/** Channels to read, by id. */
export interface DiscordFake extends ServiceFake {
  channels: Map<string, DiscordFakeMessage[]>;
  /** Discord may answer with fewer messages than asked for. */
  limits: { page: number };
}

/** What the stand-in takes for a valid bot token. */
export const discordToken = "local.not.a-secret";

/** Serves channels; without arguments that of the fixture. */
export async function startDiscordFake(channels: DiscordFake["channels"] = fixtureChannel()): Promise<DiscordFake> {
  const limits = { page: 100 };
  const fake = await serveFake((app) => {
    app.use(async (context, next) => {
      if (context.req.header("authorization") !== `Bot ${discordToken}`)
        return context.json({ message: "401: Unauthorized", code: 0 }, 401);
      await next();
      const limits = { limit: "5", remaining: "4", reset: "1767600000.500", "reset-after": "0.500", bucket: "b1" };
      for (const [name, value] of Object.entries(limits)) context.res.headers.set(`x-ratelimit-${name}`, value);
      return undefined;
    });
    app.get("/api/v10/channels/:channel/messages", (context) => {
      const messages = channels.get(context.req.param("channel"));
      if (messages === undefined) return unknownChannel(context);
      const after = BigInt(context.req.query("after") ?? 0);
      const limit = Math.min(limits.page, Number(context.req.query("limit") ?? 50));
      const page = messages
        .filter(({ id }) => BigInt(id) > after)
        .toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
        .slice(0, limit);
      // The newest first, also of what follows a message.
      return context.json(page.toReversed().map((message) => withReferenced(message, messages)));
    });
    app.get("/api/v10/channels/:channel/messages/:message", (context) => {
      const messages = channels.get(context.req.param("channel"));
      if (messages === undefined) return unknownChannel(context);
      const message = messages.find(({ id }) => id === context.req.param("message"));
      if (message === undefined) return context.json({ message: "Unknown Message", code: 10008 }, 404);
      return context.json(withReferenced(message, messages));
    });
  });
  return { ...fake, channels, limits };
}

/** The channel of `test/fixtures/sources/discord/messages.json`. */
export function fixtureChannel(): DiscordFake["channels"] {
  const file = new URL("../fixtures/sources/discord/messages.json", import.meta.url);
  const { channel, messages } = JSON.parse(readFileSync(file, "utf8"));
  return new Map([[channel, messages]]);
}

function unknownChannel(context: Context): Response {
  return context.json({ message: "Unknown Channel", code: 10003 }, 404);
}

/** A reply comes with the message it answers, one level deep; null when that is deleted. */
function withReferenced(message: DiscordFakeMessage, messages: DiscordFakeMessage[]): object {
  if (message.type !== 19) return message;
  const answered = messages.find(({ id }) => id === message.message_reference?.message_id);
  return { ...message, referenced_message: answered ?? null };
}
