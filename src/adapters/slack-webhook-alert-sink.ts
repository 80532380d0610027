/** Slack's incoming webhook: one message per alert. Its address is a secret, so no failure holds any of it. */
import type { SlackWebhookChoice } from "../domain/alert-choice-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { AlertDelivery, AlertSink } from "../ports.ts";
import { PostedMessages, type Memory } from "./posted-messages.ts";
import { AnswerFailure, type SafeHttp } from "./safe-http.ts";
import { whole } from "./slack-message.ts";

/** What this sink needs from outside. */
export interface SlackWebhookOutside {
  http: () => SafeHttp;
  secret: (name: string) => string;
  store: Memory;
  now: () => Date;
}

/** For an answer, in milliseconds. */
const timeoutMs = 15_000;

export function createSlackWebhookAlertSink(outside: SlackWebhookOutside): AlertSink<SlackWebhookChoice> {
  const post = async ({ alert, sink, signal }: AlertDelivery<SlackWebhookChoice>): Promise<string> => {
    const url = addressIn(outside.secret(sink.webhookSecret), sink.webhookSecret);
    const body = JSON.stringify({ ...whole(alert), unfurl_links: false, unfurl_media: false });
    const headers = { "content-type": "application/json; charset=utf-8" };
    const asked = { url: url.href, method: "POST" as const, headers, body, signal, timeoutMs, patienceMs: 0 };
    try {
      (await outside.http().request(asked)).dispose();
      return "posted";
    } catch (error) {
      throw withoutAddress(error, url, sink.webhookSecret);
    }
  };
  return {
    async send(delivery: AlertDelivery<SlackWebhookChoice>) {
      const { id, alert, sink } = delivery;
      const key = objectKeys.posted(alert.cycle ?? id, `slack-${sink.webhookSecret}`);
      const posted = new PostedMessages(outside.store, key, outside.now);
      // Whether a message got there whose answer was lost, nobody can tell: twice is better than never.
      await posted.once(id, { post: () => post(delivery), find: async () => null });
    },
  };
}

function addressIn(value: string, variable: string): URL {
  if (URL.canParse(value)) return new URL(value);
  throw new TypedFailure(
    "InvalidInput",
    `${variable} must be a webhook's address, https://hooks.slack.com/services/...`,
  );
}

/** Without its cause, which holds the address as well. */
function withoutAddress(error: unknown, url: URL, variable: string): unknown {
  if (!(error instanceof TypedFailure)) return error;
  const place = `the webhook of ${variable}`;
  const options = error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs };
  if (error instanceof AnswerFailure) {
    const said = /^[a-z_]+$/.test(error.said) ? `: ${error.said}` : "";
    return new TypedFailure(error.type, `${place} answers ${error.status}${said}`, options);
  }
  const hidden = [url.href, `${url.protocol}//${url.host}${url.pathname}`, url.pathname].filter((text) => text !== "/");
  const message = hidden.reduce((text, address) => text.replaceAll(address, place), error.message);
  return new TypedFailure(error.type, message, options);
}
