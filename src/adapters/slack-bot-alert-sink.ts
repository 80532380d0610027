/**
 * A Slack app's bot: one thread per cycle. Its first message is kept up to date, phase by phase until the end; why, and what
 * to do, come as replies. What has been posted is remembered in the bucket.
 */
import { createHash } from "node:crypto";
import type { SlackBotChoice } from "../domain/alert-choice-schema.ts";
import type { Alert } from "../domain/alert-schema.ts";
import { isRetryable, TypedFailure } from "../domain/failures.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { AlertDelivery, AlertSink } from "../ports.ts";
import { PostedMessages, type Memory } from "./posted-messages.ts";
import type { SafeHttp } from "./safe-http.ts";
import { createSlackCall, SlackRefusal, type SlackCall } from "./slack-api.ts";
import { details, headline, whole, type SlackMessage } from "./slack-message.ts";

/** What alerts are called in the metadata of messages. */
const eventType = "tuneloop_alert";
/** Messages looked at for one that may have been posted. */
const lookedAt = 100;
/** Nothing in a text becomes a link, a channel or a person. */
const plain = { parse: "none", link_names: false } as const;
/** By so much clocks may differ, in seconds. */
const clockSkewS = 120;

/** What this sink needs from outside. */
export interface SlackBotOutside {
  http: () => SafeHttp;
  secret: (name: string) => string;
  store: Memory;
  now: () => Date;
}

/** Where a message is: `channel/ts`. */
type Place = { channel: string; ts: string };

export function createSlackBotAlertSink(outside: SlackBotOutside): AlertSink<SlackBotChoice> {
  return {
    async send({ id, alert, sink, signal }: AlertDelivery<SlackBotChoice>) {
      const about = alert.cycle ?? id;
      const posted = new PostedMessages(outside.store, objectKeys.posted(about, hashOf(sink)), outside.now);
      const call = createSlackCall(outside.http(), sink, outside.secret(sink.tokenSecret), signal);
      const thread = new Thread(call, posted, sink, about);
      if (alert.cycle === null) {
        await thread.post("message", whole(alert));
        return;
      }
      const root = await thread.show(alert);
      if (alert.kind !== "phase") await thread.post(id, details(alert), { root, isLoud: isLoud(alert) });
    },
  };
}

/** What somebody has to do something about is shown in the channel too: an update of a message tells nobody. */
function isLoud({ kind, severity }: Alert): boolean {
  return severity === "error" || kind === "approval-wanted" || kind === "step-approval-wanted";
}

/** One channel at one address. */
function hashOf({ channel, apiUrl }: SlackBotChoice): string {
  const hash = createHash("sha256").update(JSON.stringify([apiUrl ?? null, channel]));
  return `slack-${hash.digest("hex").slice(0, 16)}`;
}

class Thread {
  readonly #call: SlackCall;
  readonly #posted: PostedMessages;
  readonly #sink: SlackBotChoice;
  readonly #about: string;

  constructor(call: SlackCall, posted: PostedMessages, sink: SlackBotChoice, about: string) {
    this.#call = call;
    this.#posted = posted;
    this.#sink = sink;
    this.#about = about;
  }

  /**
   * Brings the first message up to date, or posts it; where it is. An alert that a newer one has overtaken changes nothing.
   * Throws `Conflict` when that newer one is still being posted.
   */
  async show(alert: Alert): Promise<Place> {
    const known = await this.#posted.find("first");
    if (!(await this.#posted.isNewest(alert.at))) {
      if (known === null) throw new TypedFailure("Conflict", `${this.#about}: a newer alert is being posted`);
      return placeOf(known);
    }
    const message = headline(alert);
    if (known !== null && (await this.#update(placeOf(known), message))) return placeOf(known);
    return this.post("first", message);
  }

  /** Posts the message of this name once, in the thread of `root` if that is given. */
  async post(name: string, message: SlackMessage, reply?: { root: Place; isLoud: boolean }): Promise<Place> {
    const mark = `${this.#about}/${name}`;
    const metadata = { event_type: eventType, event_payload: { id: mark } };
    const place = await this.#posted.once(name, {
      post: async () => {
        const said = { ...message, ...plain, metadata, unfurl_links: false, unfurl_media: false };
        const answer = await this.#call(({ chat: { postMessage } }) =>
          reply === undefined
            ? postMessage({ ...said, channel: this.#sink.channel })
            : postMessage({
                ...said,
                channel: reply.root.channel,
                thread_ts: reply.root.ts,
                reply_broadcast: reply.isLoud,
              }),
        );
        if (answer.ts === undefined) throw new TypedFailure("Unavailable", "Slack does not say what it posted");
        return `${answer.channel ?? this.#sink.channel}/${answer.ts}`;
      },
      find: (since) => this.#look(mark, since, reply?.root ?? null),
    });
    return placeOf(place);
  }

  /** False when the message is gone, or may not be changed any more. */
  async #update(place: Place, message: SlackMessage): Promise<boolean> {
    try {
      await this.#call(({ chat }) => chat.update({ ...place, ...message, ...plain }));
      return true;
    } catch (error) {
      const isGone = ["message_not_found", "cant_update_message", "edit_window_closed"];
      if (!(error instanceof SlackRefusal) || !isGone.includes(error.code)) throw error;
      await this.#posted.forget("first");
      return false;
    }
  }

  /** A message that may have been posted; an app without the scope to read its channel cannot look. */
  async #look(mark: string, since: Date, root: Place | null): Promise<string | null> {
    const channel = root?.channel ?? this.#sink.channel;
    const asked = {
      channel,
      oldest: String(since.getTime() / 1000 - clockSkewS),
      include_all_metadata: true,
      limit: lookedAt,
    };
    try {
      const { messages = [] } = await this.#call<{ messages?: Found[] }>(({ conversations }) =>
        root === null ? conversations.history(asked) : conversations.replies({ ...asked, ts: root.ts }),
      );
      const found = messages.find(({ metadata }) => isMark(metadata?.event_payload, mark));
      return found?.ts === undefined ? null : `${channel}/${found.ts}`;
    } catch (error) {
      if (error instanceof TypedFailure && !isRetryable(error.type)) return null;
      throw error;
    }
  }
}

interface Found {
  ts?: string;
  metadata?: { event_payload?: unknown };
}

function isMark(payload: unknown, mark: string): boolean {
  return typeof payload === "object" && payload !== null && "id" in payload && payload.id === mark;
}

function placeOf(text: string): Place {
  const slash = text.lastIndexOf("/");
  return { channel: text.slice(0, slash), ts: text.slice(slash + 1) };
}
