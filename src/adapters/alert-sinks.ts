import type { AlertDelivery, AlertSink } from "../ports.ts";
import { createLogAlertSink, type LogTarget } from "./log-alert-sink.ts";
import type { Memory } from "./posted-messages.ts";
import type { SafeHttpFor } from "./safe-http.ts";
import { createSlackBotAlertSink } from "./slack-bot-alert-sink.ts";
import { createSlackWebhookAlertSink } from "./slack-webhook-alert-sink.ts";
import { createWebhookAlertSink } from "./webhook-alert-sink.ts";

/** What the sinks need from outside. */
export interface AlertOutside {
  log: LogTarget;
  http: SafeHttpFor;
  /** The value of a variable. Throws InvalidInput that names it when it is not set, or not for sinks. */
  secret: (name: string) => string;
  /** Where what was posted is remembered. */
  store: Memory;
  now: () => Date;
}

/** Sends each delivery by its own sink. Opens no connection. */
export function createAlertSinks({ log, http, secret, store, now }: AlertOutside): AlertSink {
  // Each delivery has a pace of its own: one sink's limits are none of the others'.
  const outside = { http: () => http(null), secret, store, now };
  const sinks = {
    log: createLogAlertSink(log),
    bot: createSlackBotAlertSink(outside),
    incoming: createSlackWebhookAlertSink(outside),
    webhook: createWebhookAlertSink(outside),
  };
  return {
    async send({ sink, ...delivery }: AlertDelivery) {
      switch (sink.kind) {
        case "log":
          return sinks.log.send({ ...delivery, sink });
        case "slack":
          return "channel" in sink ? sinks.bot.send({ ...delivery, sink }) : sinks.incoming.send({ ...delivery, sink });
        case "webhook":
          return sinks.webhook.send({ ...delivery, sink });
      }
    },
  };
}
