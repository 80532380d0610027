/**
 * Ends what costs money and belongs to no workflow that lives: jobs and versions left behind by a workflow that was
 * terminated, or by a namespace that was deleted. Started by a schedule. No messages. Whatever it does not get to, the next
 * one finds.
 */
import { proxyActivities, proxyLocalActivities, setCurrentDetails, workflowInfo } from "@temporalio/workflow";
import type { InputActivities } from "../activities/interfaces.ts";
import type { JanitorActivities } from "../activities/rollout-interfaces.ts";
import { describeOrphan, reapedAlert } from "../src/domain/janitor.ts";
import type { Orphan } from "../src/domain/janitor-schema.ts";
import type { JanitorInput } from "../src/domain/workflow-input-schema.ts";
import { computing, fewTries, local } from "./activity-options.ts";
import { tellPeople } from "./alerts.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkJanitor } = proxyLocalActivities<InputActivities>(local);
const { findOrphans } = proxyActivities<JanitorActivities>(computing);
const { endOrphan } = proxyActivities<JanitorActivities>(fewTries);

/** What was found, and what became of it. */
export interface JanitorResult {
  dryRun: boolean;
  /** Ended, or, in a dry run, what would be. */
  orphans: Orphan[];
  /** What could not be read or ended, and why. */
  failed: string[];
}

export async function janitor(input: JanitorInput): Promise<JanitorResult> {
  const { graceSeconds, dryRun, alerts } = await checked(() => checkJanitor(input));
  label({ stage: "janitor" });
  const { orphans, unreadable } = await findOrphans({ graceSeconds });
  const failed = [...unreadable];
  for (const orphan of dryRun ? [] : orphans) {
    try {
      await endOrphan.executeWithOptions({ summary: describeOrphan(orphan).slice(0, 180) }, [orphan]);
    } catch (error) {
      failed.push(`${describeOrphan(orphan)}; it could not be ended: ${reasonOf(error)}`);
    }
  }
  const ended = orphans.filter((orphan) => !failed.some((said) => said.startsWith(describeOrphan(orphan))));
  const said = `${dryRun ? "Would end" : "Ended"} ${ended.length}.`;
  setCurrentDetails([said, ...ended.map(describeOrphan), ...failed].join("\n- "));
  if (!dryRun && orphans.length > 0) {
    const { workflowId } = workflowInfo();
    await tellPeople(reapedAlert(workflowId, ended, failed), alerts);
  }
  return { dryRun, orphans, failed };
}
