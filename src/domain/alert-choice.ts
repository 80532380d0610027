import type { AlertChoice } from "./alert-choice-schema.ts";

/** What a sink is called where people read of it; never a secret, nor an address that may hold one. */
export function sinkName(sink: AlertChoice): string {
  switch (sink.kind) {
    case "log":
      return "log";
    case "slack":
      return "channel" in sink ? `Slack channel ${sink.channel}` : `Slack webhook ${sink.webhookSecret}`;
    case "webhook":
      return `webhook ${sink.url.replace(/^(https?:\/\/[^/?#]*).*$/, "$1")}`;
  }
}

/** Whether a sink keeps one message per cycle up to date, so that it is worth telling it each phase. */
export function updatesInPlace(sink: AlertChoice): boolean {
  return sink.kind === "slack" && "channel" in sink;
}
