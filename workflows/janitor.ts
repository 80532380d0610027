/**
 * Ends what costs money and belongs to no workflow that lives: jobs and versions left behind by a workflow that was
 * terminated, or by a namespace that was deleted, and tells the people of their pipelines. Started by a schedule. No
 * messages. Whatever it does not get to, the next one finds.
 */
import { log, proxyActivities, proxyLocalActivities, setCurrentDetails, workflowInfo } from "@temporalio/workflow";
import type { InputActivities } from "../activities/interfaces.ts";
import type { JanitorActivities } from "../activities/rollout-interfaces.ts";
import type { AlertDraft } from "../src/domain/alert.ts";
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import {
  allSinks,
  countPasses,
  describeOrphan,
  nameOf,
  newsOf,
  notReapedAlert,
  reapedAlert,
  unreadAlert,
  type Trouble,
} from "../src/domain/janitor.ts";
import type { Orphan, Unread } from "../src/domain/janitor-schema.ts";
import { codeSpan } from "../src/domain/markdown.ts";
import type { JanitorInput } from "../src/domain/workflow-input-schema.ts";
import { computing, fewTries, local, quick } from "./activity-options.ts";
import { tellPeople } from "./alerts.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkJanitor } = proxyLocalActivities<InputActivities>(local);
const { readPeople } = proxyLocalActivities<JanitorActivities>(quick);
const { findOrphans } = proxyActivities<JanitorActivities>(computing);
const { endOrphan } = proxyActivities<JanitorActivities>(fewTries);

/** What was found, and what became of it. */
export interface JanitorResult {
  dryRun: boolean;
  /** Ended, or, in a dry run, what would be. */
  orphans: Orphan[];
  /** What was found and could not be ended. */
  unended: Trouble[];
  /** What could not be looked at. */
  unreadable: Trouble[];
}

export async function janitor(input: JanitorInput): Promise<JanitorResult> {
  const { graceSeconds, dryRun, alerts } = await checked(() => checkJanitor(input));
  label({ stage: "janitor" });
  const found = await findOrphans({ graceSeconds });
  const { ended, unended } = dryRun ? { ended: found.orphans, unended: [] } : await endAll(found.orphans);
  // Of the pass before, when both were started by the schedule.
  const { lastResult } = workflowInfo();
  const result: JanitorResult = {
    dryRun,
    orphans: ended,
    unended: countPasses(unended, lastResult, "unended"),
    unreadable: countPasses(found.unreadable, lastResult, "unreadable"),
  };
  setCurrentDetails(describe(result));
  if (!dryRun) await tellAll(result, found.orphans, alerts);
  return result;
}

async function endAll(orphans: Orphan[]): Promise<{ ended: Orphan[]; unended: Unread[] }> {
  const ended: Orphan[] = [];
  const unended: Unread[] = [];
  for (const orphan of orphans) {
    try {
      const summary = describeOrphan(orphan).slice(0, 180);
      if ((await endOrphan.executeWithOptions({ summary }, [orphan])).ended) ended.push(orphan);
    } catch (error) {
      unended.push({ pipeline: orphan.pipeline, what: nameOf(orphan), reason: reasonOf(error) });
    }
  }
  return { ended, unended };
}

/** The people of each pipeline of what concerns it, and the janitor's own of everything. */
async function tellAll(result: JanitorResult, found: Orphan[], own: AlertChoice[]): Promise<void> {
  const { workflowId } = workflowInfo();
  const unread = newsOf(result.unreadable);
  const telling = unread.length === 0 ? [] : [tellPeople(unreadAlert(workflowId, unread), own, "unread")];
  for (const pipeline of new Set(found.map((orphan) => orphan.pipeline))) {
    const isOfIt = (of: { pipeline: string }): boolean => of.pipeline === pipeline;
    const ended = result.orphans.filter(isOfIt);
    const unended = newsOf(result.unended.filter(isOfIt));
    const drafts = [
      ...(ended.length === 0 ? [] : [reapedAlert(workflowId, pipeline, ended)]),
      ...(unended.length === 0 ? [] : [notReapedAlert(workflowId, pipeline, found, unended)]),
    ];
    telling.push(...drafts.map((draft) => tellThoseOf(draft, own)));
  }
  await Promise.all(telling);
}

/** Where it cannot be read who they are, the janitor's own hear of it alone. */
async function tellThoseOf(draft: AlertDraft, own: AlertChoice[]): Promise<string> {
  const { pipeline, kind } = draft;
  let people: AlertChoice[] = [];
  try {
    people = (await readPeople({ pipeline })).alerts;
  } catch (error) {
    log.warn("whom a pipeline tells is not known", { pipeline, reason: reasonOf(error) });
  }
  return tellPeople(draft, allSinks(own, people), `${kind}-${pipeline}`);
}

function describe({ dryRun, orphans, unended, unreadable }: JanitorResult): string {
  const lines = [
    ...orphans.map(describeOrphan),
    ...unended.map(({ what, reason }) => `could not be ended: ${what}: ${reason}`),
    ...unreadable.map(({ what, reason }) => `could not be looked at: ${what}: ${reason}`),
  ];
  return [
    `${dryRun ? "Would end" : "Ended"} ${orphans.length}.`,
    "",
    ...lines.map((line) => `- ${codeSpan(line)}`),
  ].join("\n");
}
