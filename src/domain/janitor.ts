/** What a janitor says of what it found. */
import { draft, look, type AlertDraft } from "./alert.ts";
import type { AlertChoice } from "./alert-choice-schema.ts";
import type { Orphan, Unread } from "./janitor-schema.ts";
import { grouped } from "./reading.ts";
import { shellWord } from "./shell.ts";

/** What could not be looked at or ended, and in how many passes running. */
export interface Trouble extends Unread {
  passes: number;
}

/** In which pass a trouble is told: the first one may be gone by the second. */
const tellingPass = 2;

/** An orphan in a few words, and what of the users' traffic it was found with. */
export function describeOrphan(orphan: Orphan): string {
  const share = orphan.kind === "version" && orphan.percent > 0 ? ` (${orphan.percent} % of the traffic)` : "";
  return `${nameOf(orphan)}: ${whyOf(orphan)}${share}`;
}

/** Why it is one. */
export function whyOf({ kind, owner: { workflowId, status } }: Orphan): string {
  return `its ${kind === "job" ? "workflow" : "cycle"} ${workflowId} is ${status === "not-found" ? "gone" : status}`;
}

/** The same from pass to pass, and no other orphan's. */
export function nameOf(orphan: Orphan): string {
  switch (orphan.kind) {
    case "job":
      return `job ${orphan.name} (${orphan.id})`;
    case "version":
      return `${orphan.version} beside the champion of ${orphan.service}`;
    case "service":
      return `service ${orphan.service} with ${orphan.version}`;
  }
}

/** Counts for each trouble in how many passes running it is there. `before` is what the pass before has answered, of any shape. */
export function countPasses(troubles: readonly Unread[], before: unknown, field: "unreadable" | "unended"): Trouble[] {
  const listed: unknown = typeof before === "object" && before !== null ? Reflect.get(before, field) : null;
  const known = Array.isArray(listed) ? listed.filter(isTrouble) : [];
  return troubles.map((trouble) => {
    const last = known.find(({ what }) => what === trouble.what);
    return { ...trouble, passes: (last?.passes ?? 0) + 1 };
  });
}

function isTrouble(value: unknown): value is Trouble {
  if (typeof value !== "object" || value === null) return false;
  return typeof Reflect.get(value, "what") === "string" && typeof Reflect.get(value, "passes") === "number";
}

/** Those that people hear of now. */
export function newsOf(troubles: readonly Trouble[]): Trouble[] {
  return troubles.filter(({ passes }) => passes === tellingPass);
}

/** Sinks of both, none twice. */
export function allSinks(some: readonly AlertChoice[], others: readonly AlertChoice[]): AlertChoice[] {
  const byText = new Map([...some, ...others].map((sink) => [JSON.stringify(sink), sink]));
  return [...byText.values()];
}

/** The people of a pipeline hear of what was ended, as somebody may have wanted it. */
export function reapedAlert(workflowId: string, pipeline: string, ended: readonly Orphan[]): AlertDraft {
  const [only] = ended;
  const what = ended.length === 1 && only ? nameOf(only) : `${grouped(ended.length)} things`;
  return draft({
    kind: "reaped",
    pipeline,
    workflowId,
    title: `${pipeline}: the janitor has ended what nobody waited for: ${what}`,
    text: [...ended.map(sayEnded), "Nothing has to be done, unless somebody still wants what was ended."],
    next: [
      ...ownersOf(ended).map(look),
      { what: "See the pipeline's models", command: `tuneloop models ${shellWord(pipeline)}` },
    ],
  });
}

/** The people of a pipeline hear of what cannot be ended: it goes on to cost money. */
export function notReapedAlert(
  workflowId: string,
  pipeline: string,
  orphans: readonly Orphan[],
  troubles: readonly Trouble[],
): AlertDraft {
  const concerned = orphans.filter((orphan) => troubles.some(({ what }) => what === nameOf(orphan)));
  return draft({
    kind: "not-reaped",
    pipeline,
    workflowId,
    title: `${pipeline}: the janitor cannot end what nobody waits for any more, and it costs money`,
    text: [
      ...troubles.map(({ what, reason }) => `${what}: ${reason}`),
      ...concerned.map(sayMet),
      "The janitor goes on trying; you hear of it once.",
    ],
    next: concerned.slice(0, 5).map((orphan) => ({ what: `End ${nameOf(orphan)} by hand`, command: byHand(orphan) })),
  });
}

/** What cannot be looked at may hide what costs money. */
export function unreadAlert(workflowId: string, troubles: readonly Trouble[]): AlertDraft {
  const pipelines = [...new Set(troubles.map(({ pipeline }) => pipeline))];
  const only = pipelines.length === 1 ? pipelines[0] : undefined;
  const whose = only ?? `${grouped(pipelines.length)} pipelines`;
  return draft({
    kind: "not-reaped",
    pipeline: only ?? "janitor",
    workflowId,
    title: `The janitor cannot tell whether something of ${whose} is left behind`,
    text: [
      ...troubles.map(({ what, reason }) => `${what}: ${reason}`),
      "What is left behind there costs money until it can be read again. The others are looked after; you hear of this once.",
    ],
    next: [{ what: "See what it finds now, without ending it", command: "tuneloop janitor run --dry-run" }],
  });
}

function sayEnded(orphan: Orphan): string {
  const why = whyOf(orphan);
  switch (orphan.kind) {
    case "job":
      return `Job ${orphan.name} (${orphan.id}), which has trained ${orphan.model} since ${orphan.since}, was terminated: ${why}.`;
    case "version":
      return `${orphan.version} was taken down: ${why}. It had ${orphan.percent} % of the users' traffic; ${orphan.champion ?? "nobody"} gets all of it.`;
    case "service":
      return `Service ${orphan.service} was terminated: ${why}. It had the first model alone, ${orphan.version}, which is not champion; nobody serves ${orphan.pipeline} now.`;
  }
}

/** What users get as long as it is there; null for what they do not meet. */
function sayMet(orphan: Orphan): string | null {
  if (orphan.kind !== "version" || orphan.percent === 0) return null;
  return `Users get ${orphan.percent} % of their answers from ${orphan.version}, which nobody watches.`;
}

function byHand(orphan: Orphan): string {
  switch (orphan.kind) {
    case "job":
      return `anyscale job terminate --id ${shellWord(orphan.id)}`;
    case "version":
      return `anyscale service rollback --name ${shellWord(orphan.service)}`;
    case "service":
      return `anyscale service terminate --name ${shellWord(orphan.service)}`;
  }
}

/** Workflows of which Temporal can still tell what happened. */
function ownersOf(orphans: readonly Orphan[]): string[] {
  const known = orphans.flatMap(({ owner }) => (owner.status === "not-found" ? [] : [owner.workflowId]));
  return [...new Set(known)].slice(0, 3);
}
