/** What a janitor says of what it found. */
import { draft, type AlertDraft } from "./alert.ts";
import type { Orphan } from "./janitor-schema.ts";

/** An orphan in a few words. */
export function describeOrphan(orphan: Orphan): string {
  switch (orphan.kind) {
    case "job":
      return `job ${orphan.name} (${orphan.id}): ${orphan.why}`;
    case "version":
      return `${orphan.version} beside the champion of ${orphan.service}: ${orphan.why}`;
    case "service":
      return `service ${orphan.service} with ${orphan.version}: ${orphan.why}`;
  }
}

/** People hear of what was ended, as somebody may have wanted it, and of what could not be. */
export function reapedAlert(workflowId: string, ended: readonly Orphan[], failed: readonly string[]): AlertDraft {
  const pipelines = [...new Set(ended.map(({ pipeline }) => pipeline))];
  const count = ended.length === 1 ? "one thing" : `${ended.length} things`;
  return draft({
    kind: "reaped",
    pipeline: pipelines.join(", ") || "janitor",
    workflowId,
    title: `The janitor has ended ${count} that nobody waited for${failed.length === 0 ? "" : `, and could not end ${failed.length}`}`,
    text: [...ended.map(describeOrphan), ...failed],
    next: [{ what: "See what it would end now, without ending it", command: "tuneloop janitor run --dry-run" }],
  });
}
