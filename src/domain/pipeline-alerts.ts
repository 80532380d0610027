/** The words of alerts of a pipeline, where no cycle is under way to tell. Ids and numbers, never records or secrets. */
import { draft, look, mostSentences, state, tryAgain, type AlertDraft } from "./alert.ts";
import { nameSome } from "./reading.ts";
import { shellWord } from "./shell.ts";

/** A cycle could not even begin; `isOfPipeline` tells whether a running pipeline has started it. */
export function notOpenedAlert(
  { pipeline, workflowId, isOfPipeline }: { pipeline: string; workflowId: string; isOfPipeline: boolean },
  reason: string,
): AlertDraft {
  return draft({
    kind: "not-begun",
    pipeline,
    workflowId,
    title: `${pipeline}: a cycle could not begin`,
    text: [reason, "Nothing was trained, no traffic was moved."],
    next: [look(workflowId), ...(isOfPipeline ? [tryAgain(pipeline)] : [])],
  });
}

/** A dataset update that a pipeline started has failed. */
export function updateFailedAlert(pipeline: string, workflowId: string, reason: string): AlertDraft {
  return draft({
    kind: "update-failed",
    pipeline,
    workflowId,
    title: `${pipeline}: the dataset could not be updated`,
    text: [reason, "Nothing was lost: every source goes on where it was with the next update."],
    next: [look(workflowId), state(pipeline)],
  });
}

/** Sources failed that were read well before; the rest goes on without them. */
export function sourcesFailedAlert(pipeline: string, workflowId: string, failed: Record<string, string>): AlertDraft {
  const sources = Object.keys(failed);
  const reasons = Object.entries(failed).map(([source, reason]) => `${source}: ${reason}`);
  return draft({
    kind: "sources-failed",
    pipeline,
    workflowId,
    title: `${pipeline}: ${sources.length === 1 ? "a source" : `${sources.length} sources`} could not be read: ${nameSome(sources)}`,
    text: [
      ...reasons.slice(0, mostSentences - 1),
      "The others go on. Each update tries again, from where the last good one ended; you hear of it once.",
    ],
    next: sources.slice(0, 3).map((source) => ({
      what: `Try ${source}`,
      command: `tuneloop source try ${shellWord(`${pipeline}.yaml`)} ${shellWord(source)}`,
    })),
  });
}

/** A pipeline cannot read what it knows, and tries again. */
export function unreadableAlert(pipeline: string, workflowId: string, reason: string): AlertDraft {
  return draft({
    kind: "unreadable",
    pipeline,
    workflowId,
    title: `${pipeline}: the dataset or the registry cannot be read`,
    text: [
      reason,
      "Users' traffic stays as it is. The pipeline tries again every minute and goes on by itself when it can.",
    ],
    next: [look(workflowId), state(pipeline)],
  });
}
