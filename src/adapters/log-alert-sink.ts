import type { Alert } from "../domain/alert-schema.ts";
import type { AlertSink } from "../ports.ts";

/** Where log lines go; a pino logger is one. */
export interface LogTarget {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Alerts as log lines of their severity. */
export function createLogAlertSink(log: LogTarget): AlertSink {
  return {
    async send({ severity, title, ...fields }: Alert) {
      const level = severity === "warning" ? "warn" : severity;
      log[level]({ alert: true, ...fields }, title);
    },
  };
}
