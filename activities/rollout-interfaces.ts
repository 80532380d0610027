/** The activities that move traffic, and that clean up, as workflows see them. See interfaces.ts for what all keep. */
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import type { AlertChoice } from "../src/domain/alert-choice-schema.ts";
import type { Orphan, Unread } from "../src/domain/janitor-schema.ts";
import type { Alias } from "../src/domain/registry-schema.ts";
import type { GateVerdict } from "../src/domain/rollout-schema.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";

/** A model version of a pipeline's service, and the champion beside it; null before the first. */
export interface ServedModel {
  pipeline: string;
  model: string;
  champion: string | null;
}

/** A rollout that wants to move traffic. */
export interface LockRequest {
  pipeline: string;
  workflowId: string;
  runId: string;
  /** Whether others should wait for it: it is over soon. */
  isBrief: boolean;
}

/** Where the aliases of a pipeline point. */
export interface Aliases {
  champion: string | null;
  challenger: string | null;
}

/** A weight to be reached: `percent` of the traffic, or, when `complete`, all of it alone. */
export type WeightRequest = RollOutInput & ServedModel & { percent: number; complete: boolean };

/** All traffic, by steps that the provider takes by itself. */
export type AutomaticWeightRequest = RollOutInput & ServedModel & { percent: null; complete: false };

/** A look at a rollout's step. */
export type LookRequest = RollOutInput &
  ServedModel & {
    /** Share of the traffic that the rollout left the model at; null where the provider moves it, which is news at 100. */
    percent: number | null;
    /** Of the rollout's workflow: looks of one rollout are judged together. */
    runId: string;
    /** ISO-8601, by the server's clock; feedback whose object is named by an earlier time does not count. */
    startedAt: string;
    /** Which of the rollout's waits it belongs to, from 0. */
    wait: number;
    /** Milliseconds, from when this was asked for, before which nobody is to look. */
    restMs: number;
    /** The same, after which a look is news whatever it says. */
    newsMs: number;
    /** Verdicts that are news before that. */
    atOnce: GateVerdict["verdict"][];
  };

/** What the gates of a rollout say of all looks so far. */
export interface LookResult {
  /** Of the traffic, as read back before the questions. */
  percent: number;
  verdict: GateVerdict["verdict"];
  gates: GateVerdict[];
  /** In this wait of the rollout. */
  looks: number;
}

export interface RolloutActivities {
  /**
   * Takes the pipeline's rollout lock, also from a holder that has ended. Holding it already is fine. Null when a rollout
   * that is over soon holds it; fails with RolloutLocked, and the commands to end it, when users meet one step by step.
   */
  lockRollout(request: LockRequest): Promise<Aliases | null>;
  /** The same, and fails as StillWaiting where that answers null. */
  awaitLock(request: LockRequest): Promise<Aliases>;
  /** Gives the lock back if it is still ours. */
  unlockRollout(request: { pipeline: string; workflowId: string }): Promise<void>;
  /**
   * Asks the service for a weight of the model and reads it back once; the same again changes nothing. `complete` ends
   * the rollout at 100. `reached` tells whether the weight was there at once. Fails with ServiceChanged, having changed
   * nothing, when the service has a version that is not ours.
   */
  setWeight(request: WeightRequest | AutomaticWeightRequest): Promise<{ reached: boolean }>;
  /**
   * Returns when the service is observed with the model up at `percent` (and, when `complete`, as its only version).
   * Fails as StillWaiting until then, with ServiceFailed when the version cannot come up, ServiceChanged when it is gone.
   */
  awaitWeight(request: WeightRequest): Promise<void>;
  /**
   * Takes the model's weight to 0 and ends its version. A first model's service is ended; where the model serves alone
   * the champion is deployed again in its place. Done when it is gone.
   */
  takeDown(request: RollOutInput & ServedModel): Promise<void>;
  /**
   * Returns when the model is observed to serve nothing and the champion, if it is there, everything; `serves` is the version
   * that does. Fails as StillWaiting until then.
   */
  awaitDown(request: ServedModel): Promise<{ serves: string | null }>;
  /**
   * Asks the model the first 8 questions of the test set. Fails with ProbeFailed when more than `maxErrorRate` of them
   * fail: a rate below 0.125 allows no failure at all.
   */
  probe(request: ServedModel & { testSet: TestSet; maxErrorRate: number }): Promise<{ asked: number; failed: number }>;
  /**
   * Looks at a step: reads the weights back, asks both versions the same questions at the same time, reads users' feedback
   * and judges it with all earlier looks. Returns when the verdict is one of `atOnce`, or `newsMs` are over; else fails as
   * StillWaiting and is asked again by Temporal's retry. Fails with ServiceChanged when the service is not as the rollout left
   * it, with ServiceFailed when the version cannot serve, each only when it stays so for half the time between two looks; a
   * state that is not known, or passing, is neither. A repeat, also of a look that was written down before its worker was lost,
   * looks once more: it asks other questions, and the gates allow any number of looks.
   */
  look(request: LookRequest): Promise<LookResult>;
  /**
   * The champion before the one of now, the one that is named, or the one of now itself where a rollout that was terminated
   * has left a challenger with users; and what to ask it. `champion` is the one of now. Changes nothing. Fails with NotFound when there was none, with InvalidInput when the one that is named never was champion, or is
   * it and has all traffic.
   */
  findFormerChampion(request: {
    pipeline: string;
    to: string | null;
  }): Promise<{ model: string; champion: string | null; testSet: TestSet }>;
  /**
   * The version that serves where a champion comes back; null when none does. Changes nothing. Fails with InvalidInput when
   * it never was champion, with ServiceChanged, and the command that replaces it, when the version that serves was not trained
   * by the pipeline and is not to be replaced.
   */
  findServing(request: RollOutInput): Promise<{ serves: string | null }>;
  /** Moves aliases by one If-Match write; nothing to do when they point there. */
  moveAliases(request: {
    pipeline: string;
    to: Partial<Record<Alias, string | null>>;
    workflowId: string;
    reason: string;
  }): Promise<void>;
}

export interface JanitorActivities {
  /**
   * Looks for jobs of claimed model versions and for versions of services that belong to no workflow which lives, and are
   * older than the grace period; at most 100. Changes nothing.
   */
  findOrphans(request: { graceSeconds: number }): Promise<{ orphans: Orphan[]; unreadable: Unread[] }>;
  /** Ends one, if it still is what was found; a repeat finds that it has. False, and nothing done, when somebody wants it again. */
  endOrphan(orphan: Orphan): Promise<{ ended: boolean }>;
  /** Who is told of what concerns a pipeline, as its newest cycle was; nobody before the first. Changes nothing. */
  readPeople(request: { pipeline: string }): Promise<{ alerts: AlertChoice[] }>;
}
