import type { AlertChoice } from "../domain/alert-choice-schema.ts";
import type { AlertDelivery, AlertSink } from "../ports.ts";

/** Where log lines go; a pino logger is one. */
export interface LogTarget {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Alerts as log lines of their severity. */
export function createLogAlertSink(log: LogTarget): AlertSink<Extract<AlertChoice, { kind: "log" }>> {
  return {
    async send({ alert: { severity, title, ...fields } }: AlertDelivery) {
      const level = severity === "warning" ? "warn" : severity;
      log[level]({ alert: true, ...fields }, title);
    },
  };
}
