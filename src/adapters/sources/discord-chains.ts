/** Messages of a Discord channel and which of them answer which: chains from the first question to the last reply. */
import { z } from "zod";

/** A plain message, and a reply to one; the rest are joins, pins, boosts and the like. */
const messageTypes = [0, 19];
/** Longest chain that is followed back. */
const maxChain = 200;

const baseSchema = z.looseObject({
  id: z.string().regex(/^\d{1,20}$/),
  type: z.number(),
  content: z.string().default(""),
  timestamp: z.string(),
  reactions: z
    .array(z.looseObject({ count: z.number(), emoji: z.looseObject({ name: z.string().nullish() }) }))
    .default([]),
  /** `type` 1 is a forwarded message and not an answer. */
  message_reference: z
    .looseObject({ message_id: z.string().nullish(), guild_id: z.string().nullish(), type: z.number().default(0) })
    .nullish(),
});

/** A message, as far as it is looked at; a reply comes with what it answers, null when that is deleted. */
export const discordMessageSchema = baseSchema.extend({ referenced_message: baseSchema.nullish() });
export type DiscordMessage = z.infer<typeof discordMessageSchema>;

/** Whether a message is somebody's words. */
export function isSaid({ type }: DiscordMessage): boolean {
  return messageTypes.includes(type);
}

/** Id of the message that this one replies to; null for one that begins something. */
export function answeredBy({ type, message_reference: reference }: DiscordMessage): string | null {
  return type === 19 && reference?.type === 0 ? (reference.message_id ?? null) : null;
}

/** The messages of a window of a channel, as a pass meets them. */
export class Chains {
  readonly #known = new Map<string, DiscordMessage>();
  readonly #answered = new Set<string>();
  /** Not yet given out, by id. */
  readonly #open = new Map<string, DiscordMessage>();
  readonly #fetch: (id: string) => Promise<DiscordMessage | null>;

  /** @param fetch a message from before the window, null when it is deleted */
  constructor(fetch: (id: string) => Promise<DiscordMessage | null>) {
    this.#fetch = fetch;
  }

  /** Takes in messages, in the order of their ids. */
  add(messages: readonly DiscordMessage[]): void {
    for (const message of messages) {
      this.#known.set(message.id, message);
      const answered = answeredBy(message);
      if (answered !== null) this.#answered.add(answered);
      if (isSaid(message)) this.#open.set(message.id, message);
    }
  }

  /** The chains that end with a message before `id` which nobody has answered by now; forgets what lies before `id`. */
  async settle(id: bigint): Promise<DiscordMessage[][]> {
    const chains: DiscordMessage[][] = [];
    for (const message of [...this.#open.values()].filter((open) => BigInt(open.id) < id)) {
      this.#open.delete(message.id);
      if (!this.#answered.has(message.id)) chains.push(await this.#chainTo(message));
    }
    for (const known of this.#known.keys()) if (BigInt(known) < id) this.#known.delete(known);
    for (const answered of this.#answered) if (BigInt(answered) < id) this.#answered.delete(answered);
    return chains;
  }

  async #chainTo(last: DiscordMessage): Promise<DiscordMessage[]> {
    const chain = [last];
    for (let first = last; chain.length < maxChain;) {
      const before = await this.#answeredOf(first);
      if (before === null) break;
      chain.unshift(before);
      first = before;
    }
    return chain;
  }

  async #answeredOf(message: DiscordMessage): Promise<DiscordMessage | null> {
    const id = answeredBy(message);
    if (id === null) return null;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (message.referenced_message === null) return null;
    if (message.referenced_message?.id === id) return message.referenced_message;
    return await this.#fetch(id);
  }
}
