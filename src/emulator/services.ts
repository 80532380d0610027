import { randomBytes } from "node:crypto";
import type { ServiceApply } from "../anyscale/services-wire.ts";
import { newId, now } from "./ids.ts";
import { Replica, type ReplicaContext } from "./replica.ts";
import type { ServiceRecord, Store, VersionRecord } from "./state.ts";

/** A request that the present state of a service does not allow; `status` is the answer's. */
export class ServiceRefusal extends Error {
  readonly status: 400 | 403 | 409;

  constructor(status: 400 | 403 | 409, message: string) {
    super(message);
    this.status = status;
  }
}

/** What services need from the rest of the emulator. */
export interface ServicesContext extends Omit<ReplicaContext, "changed"> {
  store: Store<ServiceRecord>;
}

/**
 * Services as processes, one per version. The state machine of a rollout is {@link Services.#advance}: it runs after every
 * change and moves weights only to a version that is RUNNING. Every change is on disk before it can be seen.
 */
export class Services {
  readonly #context: ServicesContext;
  readonly #replicas = new Map<string, Replica>();
  #stopping = false;

  constructor(context: ServicesContext) {
    this.#context = context;
  }

  /** Creates the service or changes it. Throws `ServiceRefusal`. */
  apply(request: ServiceApply, projectId: string): ServiceRecord {
    const strategy = request.rollout_strategy ?? "ROLLOUT";
    if (strategy === "MULTI_VERSION") throw new ServiceRefusal(403, "multi-version services are not enabled");
    if (strategy !== "ROLLOUT") throw new ServiceRefusal(400, `rollout_strategy ${strategy} is not supported`);
    const known = this.#context.store
      .all()
      .find(({ name, projectId: id }) => name === request.name && id === projectId);
    if (known === undefined) return this.#create(request, projectId);
    if (known.goal === "TERMINATED") {
      if (known.endedAt === null) throw new ServiceRefusal(409, `service ${known.name} is terminating; try again`);
      return this.#revive(known, request);
    }
    this.#rollOut(known, request);
    return known;
  }

  /** Gives all traffic to the primary version and ends the canary. Throws `ServiceRefusal` when there is none. */
  rollBack(service: ServiceRecord): void {
    if (service.canary === null) throw new ServiceRefusal(400, `service ${service.name} has no rollout to roll back`);
    if (service.rollout.goingBack) return;
    service.rollout.goingBack = true;
    setWeights(service, 0);
    this.#context.store.save(service);
    void this.#endCanary(service);
  }

  /** Ends all versions; the record stays. */
  terminate(service: ServiceRecord): void {
    if (service.goal === "TERMINATED") return;
    service.goal = "TERMINATED";
    this.#context.store.save(service);
    void this.#endService(service);
  }

  /** Takes up the services of an earlier emulator: adopts versions that still run, starts the others. */
  resume(): void {
    for (const service of this.#context.store.all()) {
      if (service.endedAt !== null && service.ending.length === 0) continue;
      for (const version of [...versionsOf(service), ...service.ending]) this.#replica(service, version);
      for (const version of service.ending) void this.#retire(service, version);
      if (service.goal === "TERMINATED") void this.#endService(service);
      else if (service.rollout.goingBack) void this.#endCanary(service);
      else this.#replicas.get(service.canary?.id ?? "")?.adopt();
      if (service.goal !== "TERMINATED") this.#replicas.get(service.primary.id)?.adopt();
    }
  }

  /** Ends all processes and keeps the records: the next emulator starts them again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#replicas.values()].map((replica) => replica.end({ drain: false })));
  }

  /** The replica of a running version, for the proxy. */
  replicaOf(version: VersionRecord): Replica | undefined {
    return this.#replicas.get(version.id);
  }

  #create(request: ServiceApply, projectId: string): ServiceRecord {
    const id = newId("service2");
    const service: ServiceRecord = {
      id,
      name: request.name,
      projectId,
      createdAt: now(),
      endedAt: null,
      goal: "RUNNING",
      slug: `${request.name.toLowerCase().replace(/[^a-z0-9-]/g, "-")}-${id.slice(-5)}`,
      token: randomBytes(24).toString("base64url"),
      useBearerToken: request.config?.access?.use_bearer_token ?? true,
      primary: newVersion(request, 100),
      canary: null,
      ending: [],
      rollout: { percent: null, autoComplete: true, goingBack: false },
    };
    this.#startVersion(service, service.primary);
    return service;
  }

  #revive(service: ServiceRecord, request: ServiceApply): ServiceRecord {
    service.goal = "RUNNING";
    service.endedAt = null;
    service.primary = newVersion(request, 100);
    service.canary = null;
    this.#startVersion(service, service.primary);
    return service;
  }

  #rollOut(service: ServiceRecord, request: ServiceApply): void {
    if (service.rollout.goingBack) {
      throw new ServiceRefusal(409, `service ${service.name} is rolling back; try again`);
    }
    const { canary } = service;
    if (isSameVersion(service.primary, request)) {
      if (canary === null) return;
      throw new ServiceRefusal(409, `service ${service.name} rolls out ${canary.version}; roll that back first`);
    }
    service.rollout = {
      percent: request.canary_percent ?? null,
      autoComplete: request.auto_complete_rollout ?? true,
      goingBack: false,
    };
    if (canary !== null && isSameVersion(canary, request)) {
      this.#changed(service);
      return;
    }
    if (canary !== null) {
      setWeights(service, 0);
      void this.#retire(service, canary);
    }
    service.canary = newVersion(request, 0);
    this.#startVersion(service, service.canary);
  }

  #startVersion(service: ServiceRecord, version: VersionRecord): void {
    this.#context.store.save(service);
    const replica = this.#replica(service, version);
    setImmediate(() => replica.start());
  }

  #replica(service: ServiceRecord, version: VersionRecord): Replica {
    const replica = new Replica(version, { ...this.#context, changed: () => this.#changed(service) });
    this.#replicas.set(version.id, replica);
    return replica;
  }

  #changed(service: ServiceRecord): void {
    this.#advance(service);
    this.#context.store.save(service);
  }

  #advance(service: ServiceRecord): void {
    const { canary, rollout, goal } = service;
    if (goal === "TERMINATED" || canary === null || rollout.goingBack) return;
    const target = rollout.percent ?? 100;
    // Only a running version may take traffic; giving it back is always possible.
    if (canary.state === "RUNNING" || target < canary.weight) setWeights(service, target);
    if (canary.state === "UNHEALTHY" && rollout.percent === null) {
      this.rollBack(service);
    } else if (canary.weight === 100 && canary.state === "RUNNING" && rollout.autoComplete) {
      const old = service.primary;
      service.primary = canary;
      service.canary = null;
      void this.#retire(service, old);
    }
  }

  async #endCanary(service: ServiceRecord): Promise<void> {
    if (service.canary !== null) await this.#endVersion(service.canary);
    if (this.#stopping) return;
    service.canary = null;
    service.rollout.goingBack = false;
    this.#context.store.save(service);
  }

  async #endService(service: ServiceRecord): Promise<void> {
    await Promise.all(versionsOf(service).map((version) => this.#endVersion(version)));
    if (this.#stopping) return;
    service.canary = null;
    service.primary.weight = 0;
    service.endedAt = now();
    this.#context.store.save(service);
  }

  /** Ends a version that the service no longer has; it stays recorded until its process is gone. */
  async #retire(service: ServiceRecord, version: VersionRecord): Promise<void> {
    if (!service.ending.includes(version)) service.ending.push(version);
    this.#context.store.save(service);
    await this.#endVersion(version);
    if (this.#stopping) return;
    service.ending = service.ending.filter(({ id }) => id !== version.id);
    this.#context.store.save(service);
  }

  async #endVersion(version: VersionRecord): Promise<void> {
    version.state = "TERMINATING";
    await this.#replicas.get(version.id)?.end({ drain: true });
    version.state = "TERMINATED";
    version.process = null;
    version.port = null;
    this.#replicas.delete(version.id);
  }
}

/** Active versions, the primary one first. */
export function versionsOf(service: ServiceRecord): VersionRecord[] {
  return service.canary === null ? [service.primary] : [service.primary, service.canary];
}

function setWeights(service: ServiceRecord, canaryPercent: number): void {
  service.primary.weight = 100 - canaryPercent;
  if (service.canary !== null) service.canary.weight = canaryPercent;
}

function newVersion(request: ServiceApply, weight: number): VersionRecord {
  return {
    id: newId("srvver"),
    productionJobId: newId("prodjob"),
    version: request.version ?? `v-${randomBytes(5).toString("hex")}`,
    createdAt: now(),
    request,
    state: "STARTING",
    message: null,
    weight,
    process: null,
    port: null,
  };
}

/** Equal names decide when there is one, else equal content: that is how a repeated apply finds its version. */
function isSameVersion(version: VersionRecord, request: ServiceApply): boolean {
  if (request.version !== undefined) return request.version === version.version;
  const content = ({ ray_serve_config, build_id, compute_config_id }: ServiceApply) =>
    JSON.stringify([ray_serve_config, build_id, compute_config_id]);
  return content(request) === content(version.request);
}
