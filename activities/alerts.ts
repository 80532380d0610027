import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal } from "@temporalio/activity";
import { workflowPage } from "../src/domain/links.ts";
import type { Ports } from "../src/ports.ts";
import type { AlertActivities } from "./interfaces.ts";

export function createAlertActivities({ alerts, temporalUi }: Pick<Ports, "alerts" | "temporalUi">): AlertActivities {
  return {
    async sendAlert({ alert, sink }) {
      const { workflowExecution, activityId, namespace } = activityInfo();
      const page = workflowPage(temporalUi, { namespace, ...alert });
      const links = page === null ? alert.links : [...alert.links, { name: "workflow", uri: page }];
      const id = deliveryId(workflowExecution, activityId);
      await alerts.send({ id, alert: { ...alert, links }, sink, signal: cancellationSignal() });
    },
  };
}

/** The same for every attempt of an activity, and for no other activity. */
function deliveryId(workflow: { workflowId: string; runId: string } | undefined, activityId: string): string {
  const hash = createHash("sha256").update(JSON.stringify([workflow?.workflowId, workflow?.runId, activityId]));
  return `msg_${hash.digest("hex").slice(0, 32)}`;
}
