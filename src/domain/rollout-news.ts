/**
 * When a rollout's watch has news. Between two news a look leaves nothing in history, and a verdict is news at once only where
 * it ends the wait: so no gate that says now this and now that, and no pause, however long, makes a history outgrow what a
 * workflow may have. A wait has some twenty news, or as many again while it is held; those of a pause come ever more seldom.
 */
import type { GateVerdict, RolloutPolicy } from "./rollout-schema.ts";

/** What is news of a wait that goes on. */
export interface News {
  /** The look after so many milliseconds, whatever it says. */
  newsMs: number;
  /** A look before that which says one of these. */
  atOnce: GateVerdict["verdict"][];
}

/** How far a step is. */
export interface StepTime {
  /** How long it is to be watched. */
  seconds: number;
  /** How long it was, without its pauses. */
  watchedMs: number;
  /** How long it was paused; null where it is not paused now. */
  pausedMs: number | null;
}

type Pace = Pick<RolloutPolicy, "probeSeconds" | "holdSeconds">;

/** Part of a wait that is over between two news, and of a pause by which it has become longer. */
const newsPart = 1 / 20;
/** Least time between two news of a pause, which somebody has to end. */
const leastPauseNewsMs = 600_000;

/** News of a wait of so many seconds of which some are left, and in which only a failure is news at once. */
export function newsOfWait({ probeSeconds }: Pace, seconds: number, leftMs: number): News {
  const partMs = Math.max(probeSeconds * 1000, seconds * 1000 * newsPart);
  return { newsMs: Math.ceil(Math.max(0, Math.min(leftMs, partMs))), atOnce: ["fail"] };
}

/** News of a pause that has lasted so long. */
export function newsOfPause({ probeSeconds }: Pace, pausedMs: number): News {
  const newsMs = Math.max(probeSeconds * 1000, leastPauseNewsMs, pausedMs * newsPart);
  return { newsMs: Math.ceil(newsMs), atOnce: ["fail"] };
}

/** News of a step: beyond its time, where its gates hold it, also that they pass, which ends it. */
export function newsOfStep(pace: Pace, { seconds, watchedMs, pausedMs }: StepTime): News {
  if (pausedMs !== null) return newsOfPause(pace, pausedMs);
  const leftMs = seconds * 1000 - watchedMs;
  if (leftMs > 0) return newsOfWait(pace, seconds, leftMs);
  const held = newsOfWait(pace, pace.holdSeconds, pace.holdSeconds * 1000 + leftMs);
  return { ...held, atOnce: ["pass", "fail"] };
}
