/** What lies outside of the workflows, in memory: one small world per pipeline, whose behaviour tests change. */
import type { Activities } from "../../activities/index.ts";
import type { InputActivities } from "../../activities/interfaces.ts";
import type { Alert } from "../../src/domain/alert-schema.ts";
import type { ApprovalRecord } from "../../src/domain/approval-schema.ts";
import type { Outcome } from "../../src/domain/decision-schema.ts";
import type { JobState } from "../../src/domain/job-schema.ts";
import { emptyRegistry } from "../../src/domain/registry.ts";
import type { Registry } from "../../src/domain/registry-schema.ts";
import type { GateVerdict } from "../../src/domain/rollout-schema.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";

/** The activities that have a world behind them; input checks are the real ones. */
export type WorldActivities = Omit<Activities, keyof InputActivities>;
export type WorldActivity = keyof WorldActivities;
type RequestOf<K extends WorldActivity> = Parameters<WorldActivities[K]>[0];
type ResultOf<K extends WorldActivity> = ReturnType<WorldActivities[K]>;

/** Stands in for an activity in one world; `usual` does what the world does by itself. */
export type Behaviour<K extends WorldActivity> = (request: RequestOf<K>, usual: () => ResultOf<K>) => ResultOf<K>;

/** A training job: `ahead` holds the states its next polls see. */
export interface FakeJob {
  jobId: string;
  state: JobState;
  ahead: JobState[];
}

/** A committed dataset version. */
export interface FakeVersion {
  records: number;
  added: number;
  cursors: Record<string, string>;
  batches: string[];
  failedSources?: Record<string, string>;
}

export class World {
  readonly name: string;
  /** Every call of an activity, in order, also those that failed. */
  readonly calls: { activity: WorldActivity; request: unknown }[] = [];

  /** Records that each source holds in all; a cursor is the count read so far. */
  readonly sources: Record<string, number> = {};
  readonly versions: FakeVersion[] = [];
  /** Lists of batches that were written down. */
  readonly gathered: { batches: string[]; failedSources: Record<string, string> }[] = [];

  /** States that polls of a new job see, after `queued`. */
  jobStates: JobState[] = ["running", "succeeded"];
  readonly jobs = new Map<string, FakeJob>();

  /** What a recipe keeps of its trainings, `final` included, with the primary metric on the validation split. */
  checkpoints: Record<string, number> = {};

  /** What `decideCycle` finds. */
  verdict: Outcome = "promote";
  /** Answers to decisions, by cycle. */
  readonly approvals: Record<string, ApprovalRecord> = {};

  /** Versions that are up and their share of the traffic in percent. */
  serving: Record<string, number> = {};
  /** Polls after which a changed weight is observed. */
  settlePolls = 0;
  /** How many of them are still to come. */
  pollsToSettle = 0;
  /** Every change of traffic, such as `games-2 at 10`. */
  readonly traffic: string[] = [];

  /** What the gates say of each look. */
  gates: GateVerdict[] = [{ gate: "error rate", verdict: "pass", reason: "error rate: 0 of 8" }];
  /** How many there were in each wait of a rollout. */
  looks: number[] = [];

  registry: Registry;
  readonly alerts: Alert[] = [];
  readonly reports: CycleReport[] = [];

  readonly behaviours: { [K in WorldActivity]?: Behaviour<K> } = {};

  constructor(name: string) {
    this.name = name;
    this.registry = emptyRegistry(name);
  }

  /** Changes what an activity does in this world. */
  when<K extends WorldActivity>(activity: K, behaviour: Behaviour<K>): void {
    Object.assign(this.behaviours, { [activity]: behaviour });
  }

  /** Makes a model version champion and lets it serve. */
  crown(model: string): void {
    this.registry = { ...this.registry, champion: model };
    this.serving = { [model]: 100 };
  }

  /** Commits a dataset version of so many records, all of them new. */
  commit(added: number): void {
    const last = this.versions.at(-1);
    this.versions.push({ records: (last?.records ?? 0) + added, added, cursors: last?.cursors ?? {}, batches: [] });
  }

  /** Requests of an activity, in order. */
  requests<K extends WorldActivity>(activity: K): RequestOf<K>[] {
    return this.calls.filter((call) => call.activity === activity).map(({ request }) => request as RequestOf<K>);
  }

  /** Names of the activities called, in order, each poll counted once. */
  story(): string[] {
    return this.calls
      .map(({ activity }) => activity)
      .filter((activity, index, all) => !(activity.startsWith("await") && all[index - 1] === activity));
  }
}

/** A door that an activity waits at until the test opens it; tests also see when somebody is there. */
export class Door {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();

  /** Resolves when an activity waits here. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#opened.promise;
  }
}
