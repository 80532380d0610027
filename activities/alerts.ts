import type { Ports } from "../src/ports.ts";
import type { AlertActivities } from "./interfaces.ts";

export function createAlertActivities({ alerts }: Pick<Ports, "alerts">): AlertActivities {
  return {
    async sendAlert({ alert, sinks }) {
      for (const { kind } of sinks) await alerts[kind].send(alert);
    },
  };
}
