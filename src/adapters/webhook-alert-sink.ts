/** Alerts as JSON to any address, signed as Standard Webhooks says, so that the receiver can tell that they are ours. */
import { createHmac } from "node:crypto";
import type { WebhookChoice } from "../domain/alert-choice-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import type { AlertDelivery, AlertSink } from "../ports.ts";
import { AnswerFailure, type SafeHttp } from "./safe-http.ts";

/** What this sink needs from outside. */
export interface WebhookOutside {
  http: () => SafeHttp;
  secret: (name: string) => string;
  now: () => Date;
}

/** For an answer, in milliseconds. */
const timeoutMs = 15_000;

export function createWebhookAlertSink({ http, secret, now }: WebhookOutside): AlertSink<WebhookChoice> {
  return {
    async send({ id, alert, sink, signal }: AlertDelivery<WebhookChoice>) {
      const key = keyIn(secret(sink.signingSecret), sink.signingSecret);
      const timestamp = String(Math.floor(now().getTime() / 1000));
      const body = JSON.stringify({ type: `alert.${alert.kind}`, timestamp: alert.at, data: alert });
      const headers = {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatureOf(key, `${id}.${timestamp}.${body}`),
      };
      const asked = { url: sink.url, method: "POST" as const, headers, body, signal, timeoutMs, patienceMs: 0 };
      try {
        (await http().request(asked)).dispose();
      } catch (error) {
        throw withoutAdvice(error, sink);
      }
    },
  };
}

/** The key of `whsec_` and base64 of 24 to 64 bytes. Throws InvalidInput that names the variable. */
function keyIn(value: string, variable: string): Buffer {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value)?.[1];
  const key = Buffer.from(base64 ?? "", "base64");
  if (key.length >= 24 && key.length <= 64) return key;
  throw new TypedFailure("InvalidInput", `${variable} must be whsec_ and then 24 to 64 bytes in base64`);
}

function signatureOf(key: Buffer, signed: string): string {
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

/** In place of what the connection says, which is about sources. */
function withoutAdvice(error: unknown, { url }: WebhookChoice): unknown {
  if (!(error instanceof AnswerFailure)) return error;
  const said = error.said === "" ? "" : `: ${error.said}`;
  return new TypedFailure(error.type, `webhook ${new URL(url).host} answers ${error.status}${said}`);
}
