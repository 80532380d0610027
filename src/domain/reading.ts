/** How far the reading of sources is: counts, rate and time to go, for people who wait. */
import { isObject } from "./objects.ts";
import type { Deadlines } from "./pipeline-schema.ts";
import type { Reading, SourceProgress } from "./reading-schema.ts";

/** Sources that are named one by one; of more, the number is told. */
export const namedSources = 20;
/** Sources that a text names. */
const inText = 5;
const longestReason = 200;

/** A reading of so many sources that has just begun. */
export function beginReading(sources: number): Reading {
  return { sources, read: 0, failed: 0, received: 0, perSource: {}, failedSources: {} };
}

/** Notes that a source was read. */
export function noteRead(reading: Reading, source: string, received: number): void {
  reading.read++;
  reading.received += received;
  delete reading.perSource[source];
}

/** Notes that a source failed. */
export function noteFailed(reading: Reading, source: string, reason: string): void {
  reading.failed++;
  delete reading.perSource[source];
  keepReason(reading.failedSources, source, reason);
}

/** Notes how the sources of a group went. */
export function noteGroup(
  reading: Reading,
  sources: readonly string[],
  group: Pick<Reading, "read" | "failed" | "received" | "failedSources">,
): void {
  reading.read += group.read;
  reading.failed += group.failed;
  reading.received += group.received;
  for (const source of sources) delete reading.perSource[source];
  for (const [source, reason] of Object.entries(group.failedSources)) keepReason(reading.failedSources, source, reason);
}

/** A reason as it is kept, in 200 characters at most. */
export function shortReason(reason: string): string {
  return reason.slice(0, longestReason);
}

/** Keeps why a source failed, as one of the first 20. */
export function keepReason(reasons: Record<string, string>, source: string, reason: string): void {
  if (source in reasons || Object.keys(reasons).length < namedSources) reasons[source] = shortReason(reason);
}

/** The first 20 of them. */
export function firstReasons(reasons: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(reasons).slice(0, namedSources));
}

/**
 * Takes what a worker says of sources that are being read, of any shape: progress is not worth failing for. Sources that
 * are not awaited, or beyond the first 20, are passed over.
 */
export function hearProgress(reading: Reading, message: unknown, isAwaited: (source: string) => boolean): void {
  if (!isObject(message)) return;
  for (const [source, said] of Object.entries(message)) {
    const isNew = !(source in reading.perSource);
    if (!isAwaited(source) || (isNew && Object.keys(reading.perSource).length >= namedSources)) continue;
    const progress = readProgress(said);
    if (progress !== null) reading.perSource[source] = progress;
  }
}

/** What an update says of its reading, or null when that is of another shape. */
export function readReading(message: unknown): Reading | null {
  if (!isObject(message)) return null;
  const [sources, read, failed, received] = ["sources", "read", "failed", "received"].map((field) => message[field]);
  if (!isCount(sources) || !isCount(read) || !isCount(failed) || !isCount(received)) return null;
  const reading = { ...beginReading(sources), read, failed, received };
  hearProgress(reading, message["perSource"], () => true);
  return { ...reading, failedSources: readReasons(message["failedSources"]) };
}

/** Why sources failed, of any shape: the first 20, and none that is not text. */
export function readReasons(message: unknown): Record<string, string> {
  const reasons: Record<string, string> = {};
  for (const [source, reason] of isObject(message) ? Object.entries(message) : []) {
    if (typeof reason === "string") keepReason(reasons, source, reason);
  }
  return reasons;
}

/** Items so far, of all sources. */
export function itemsSoFar({ received, perSource }: Reading): number {
  return Object.values(perSource).reduce((sum, progress) => sum + progress.received, received);
}

/** All sources together: `7 of 12 sources read, 1 failed; 12,300 items`. */
export function tally(reading: Reading): string {
  const failures = reading.failed === 0 ? "" : `, ${reading.failed} failed`;
  return `${reading.read} of ${reading.sources} sources read${failures}; ${grouped(itemsSoFar(reading))} items`;
}

/** A reading in two lines: all sources together, and the first five that are being read. */
export function describeReading(reading: Reading): string {
  const named = Object.entries(reading.perSource).slice(0, inText);
  if (named.length === 0) return `${tally(reading)}.`;
  const each = named.map(([source, progress]) => `${source}: ${describeProgress(progress)}`);
  return `${tally(reading)}.\n\n${each.join("; ")}.`;
}

/** `12,300 items, 310/s, 2 min left`. */
export function describeProgress({ received, perSecond, etaSeconds }: SourceProgress): string {
  const rate = perSecond >= 10 ? grouped(Math.round(perSecond)) : perSecond.toFixed(1);
  const left = etaSeconds === null ? "" : `, ${duration(etaSeconds)} left`;
  return `${grouped(received)} items, ${rate}/s${left}`;
}

/** Names of what failed, the first five, and how many more: `slack, zendesk and 3 more`. */
export function nameSome(sources: readonly string[]): string {
  const more = sources.length - inText;
  return `${sources.slice(0, inText).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** `45 s`, `12 min`, `3 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * What a source is given to deliver after the deadline, in seconds: the time to write what there is, also when the worker
 * was lost just then; never more than the reading itself was given, but for the least of 5 s.
 */
export function graceSeconds({ readSeconds }: Deadlines): number {
  return Math.min(120, Math.max(5, readSeconds));
}

/**
 * Milliseconds until people are told again of something that has taken so long already: 5 s at first and a tenth of it
 * later, so that a long reading adds little to history.
 */
export function untilNextReport(elapsedMs: number): number {
  return Math.max(5000, elapsedMs / 10);
}

function readProgress(said: unknown): SourceProgress | null {
  if (!isObject(said)) return null;
  const { received, perSecond, etaSeconds } = said;
  if (!isCount(received) || !isAmount(perSecond) || !(etaSeconds === null || isAmount(etaSeconds))) return null;
  return { received, perSecond, etaSeconds };
}

/** A number for people: `12,300`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function isCount(value: unknown): value is number {
  return isAmount(value) && Number.isSafeInteger(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
