import type { Fleet } from "./fleet.ts";
import { now } from "./ids.ts";
import { aim, canSettle, nextMove, shift } from "./rollout.ts";
import { note, noteState } from "./service-events.ts";
import { type ServiceRecord, type VersionRecord, versionsOf, versionsWithProcesses } from "./service-records.ts";
import type { Store } from "./state.ts";

/** How many of the newest versions that ended are remembered. */
const KEPT_VERSIONS = 100;

/** What the lifecycle of services needs from the rest of the emulator. */
export interface LifecycleContext {
  store: Store<ServiceRecord>;
  fleet: Fleet;
  /** How long an automatic rollout takes. */
  rolloutMs: number;
}

/**
 * What happens to services by itself: versions start, rollouts move, updates take their place, versions end. Every change
 * is on disk before it can be seen.
 */
export class ServiceLifecycle {
  readonly #context: LifecycleContext;
  /** Timers of automatic rollouts, by service id. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopping = false;

  constructor(context: LifecycleContext) {
    this.#context = context;
  }

  /** Starts a version that is in the service's record. */
  start(service: ServiceRecord, version: VersionRecord): void {
    const running = this.#context.fleet.add(version, () => this.advance(service));
    setImmediate(() => running.start());
  }

  /** Does what the service's record calls for, and makes it durable. Called after every change of it. */
  advance(service: ServiceRecord): void {
    clearTimeout(this.#timers.get(service.id));
    if (service.goal === "RUNNING") {
      this.#finishUpdate(service);
      if (service.isMultiVersion) this.#settle(service);
      else this.#rollOn(service);
    }
    this.#save(service);
  }

  /** Gives all traffic to the primary version and ends the canary. */
  rollBack(service: ServiceRecord): void {
    service.rollout.goingBack = true;
    aim(service, 0);
    shift(service, 0);
    this.#save(service);
    void this.#endCanary(service);
  }

  /** Ends a version that the service's record has let go of; it stays recorded until its processes are gone. */
  retire(service: ServiceRecord, version: VersionRecord): void {
    version.weight = 0;
    version.target = 0;
    if (!service.ending.includes(version)) service.ending.push(version);
    this.#save(service);
    void this.#endRetired(service, version);
  }

  /** Ends all versions of a service whose goal that is. */
  terminate(service: ServiceRecord): void {
    clearTimeout(this.#timers.get(service.id));
    this.#save(service);
    void this.#endService(service);
  }

  /** Takes up the services of an earlier emulator: adopts versions that still run, starts the others. */
  resume(): void {
    for (const service of this.#context.store.all()) {
      if (service.endedAt !== null && service.ending.length === 0) continue;
      for (const version of versionsWithProcesses(service)) {
        this.#context.fleet.add(version, () => this.advance(service));
      }
      for (const version of service.ending) void this.#endRetired(service, version);
      if (service.goal === "TERMINATED") {
        if (service.endedAt === null) void this.#endService(service);
        continue;
      }
      const goesBack = service.rollout.goingBack;
      for (const version of [...versionsOf(service), ...(service.update === null ? [] : [service.update])]) {
        if (!goesBack || version !== service.canary) this.#context.fleet.get(version)?.adopt();
      }
      if (goesBack) void this.#endCanary(service);
      else this.advance(service);
    }
  }

  /** Ends all processes and keeps the records: the next emulator starts them again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#context.fleet.stop();
  }

  #rollOn(service: ServiceRecord): void {
    const { canary, primary, rollout } = service;
    const move = nextMove(service, Date.now(), this.#context.rolloutMs);
    switch (move.kind) {
      case "wait":
        if (move.ms !== null)
          this.#timers.set(
            service.id,
            setTimeout(() => this.advance(service), move.ms),
          );
        return;
      case "shift":
        shift(service, move.canaryPercent);
        rollout.movedAt = now();
        this.#rollOn(service);
        return;
      case "back":
        service.error = move.reason;
        note(service, { type: "ROLLBACK_INITIATED", level: "ERROR", message: move.reason });
        this.rollBack(service);
        return;
      case "complete":
        if (canary === null) return;
        service.primary = canary;
        service.canary = null;
        this.retire(service, primary);
    }
  }

  /** Gives the versions of a service with several their shares, and ends those that are to have none. */
  #settle(service: ServiceRecord): void {
    const versions = versionsOf(service);
    if (!canSettle(versions)) return;
    for (const version of versions) version.weight = version.target;
    const [primary, ...others] = versions.filter(({ target }) => target > 0);
    if (primary === undefined) return;
    service.primary = primary;
    service.others = others;
    for (const version of versions.filter(({ target }) => target === 0)) this.retire(service, version);
  }

  #finishUpdate(service: ServiceRecord): void {
    const { primary, update } = service;
    if (update?.state !== "RUNNING") return;
    Object.assign(update, { weight: primary.weight, target: primary.target });
    service.primary = update;
    service.update = null;
    this.retire(service, primary);
  }

  async #endCanary(service: ServiceRecord): Promise<void> {
    const { canary } = service;
    if (canary !== null) await this.#context.fleet.end(canary);
    if (this.#stopping || service.canary !== canary) return;
    service.canary = null;
    service.rollout.goingBack = false;
    if (canary !== null) remember(service, canary);
    this.#save(service);
  }

  async #endRetired(service: ServiceRecord, version: VersionRecord): Promise<void> {
    await this.#context.fleet.end(version);
    if (this.#stopping) return;
    service.ending = service.ending.filter((other) => other !== version);
    // An earlier generation of a version that goes on is not a version that ended.
    if (!versionsOf(service).some(({ id }) => id === version.id)) remember(service, version);
    this.#save(service);
  }

  async #endService(service: ServiceRecord): Promise<void> {
    const { primary } = service;
    const others = versionsWithProcesses(service).filter((version) => version !== primary);
    await Promise.all([primary, ...others].map((version) => this.#context.fleet.end(version)));
    if (this.#stopping) return;
    for (const version of others) if (version.id !== primary.id) remember(service, version);
    Object.assign(service, { canary: null, others: [], update: null, ending: [], endedAt: now() });
    service.rollout.goingBack = false;
    this.#save(service);
  }

  /** A service that was deleted meanwhile is not written again. */
  #save(service: ServiceRecord): void {
    noteState(service);
    if (this.#context.store.get(service.id) === service) this.#context.store.save(service);
  }
}

function remember(service: ServiceRecord, version: VersionRecord): void {
  if (service.past.includes(version)) return;
  service.past.unshift(version);
  service.past.splice(KEPT_VERSIONS);
}
