import type { ServiceApply, ServiceApplyVersions } from "../anyscale/services-wire.ts";
import { Fleet, type FleetContext } from "./fleet.ts";
import { now } from "./ids.ts";
import { Refusal } from "./refusal.ts";
import type { RunningVersion } from "./running-version.ts";
import { ServiceDeployer, type Share } from "./service-deployer.ts";
import { note } from "./service-events.ts";
import { ServiceLifecycle } from "./service-lifecycle.ts";
import type { ServiceRecord, VersionRecord } from "./service-records.ts";
import { newToken } from "./service-requests.ts";
import type { Store } from "./state.ts";
import type { Tags } from "./tags.ts";

/** What services need from the rest of the emulator. */
export interface ServicesContext extends FleetContext {
  store: Store<ServiceRecord>;
  tags: Tags;
  /** How long an automatic rollout takes. */
  rolloutMs: number;
}

/** Services as processes. Orders throw `Refusal` for what cannot be done now. */
export class Services {
  readonly #context: ServicesContext;
  readonly #fleet: Fleet;
  readonly #lifecycle: ServiceLifecycle;
  readonly #deployer: ServiceDeployer;
  readonly #bySlug = new Map<string, ServiceRecord>();

  constructor(context: ServicesContext) {
    this.#context = context;
    this.#fleet = new Fleet(context);
    this.#lifecycle = new ServiceLifecycle({ ...context, fleet: this.#fleet });
    this.#deployer = new ServiceDeployer({ ...context, lifecycle: this.#lifecycle });
    for (const service of context.store.all()) this.#bySlug.set(service.slug, service);
  }

  /** Creates the service or changes it. */
  apply(request: ServiceApply, projectId: string): ServiceRecord {
    return this.#known(this.#deployer.apply(request, projectId));
  }

  /** Creates the service or changes it to have exactly these versions, with these shares, for good. */
  applyVersions(request: ServiceApplyVersions): ServiceRecord {
    return this.#known(this.#deployer.applyVersions(request));
  }

  /** Moves weights between versions that are there. */
  updateWeights(service: ServiceRecord, shares: readonly Share[]): void {
    this.#deployer.updateWeights(service, shares);
  }

  /** Starts the application of a service's one version anew, beside the one that serves until then. */
  restart(service: ServiceRecord): void {
    this.#deployer.restart(service);
  }

  /** Gives all traffic to the primary version and ends the canary. */
  rollBack(service: ServiceRecord): void {
    if (service.canary === null || service.goal === "TERMINATED") {
      throw new Refusal(400, `service ${service.name} has no rollout to roll back`);
    }
    if (service.rollout.goingBack) return;
    note(service, { type: "ROLLBACK_INITIATED", message: `${service.canary.version} is rolled back as ordered` });
    this.#lifecycle.rollBack(service);
  }

  /** Ends all versions; the record stays. */
  terminate(service: ServiceRecord): void {
    if (service.goal === "TERMINATED") return;
    service.goal = "TERMINATED";
    note(service, { type: "TERMINATE_INITIATED", message: "terminated as ordered" });
    this.#lifecycle.terminate(service);
  }

  /** Hides a terminated service from lists. */
  archive(service: ServiceRecord): void {
    refuseUnlessEnded(service, "archived");
    service.archivedAt ??= now();
    this.#context.store.save(service);
  }

  /** Forgets a terminated service, its logs included. */
  remove(service: ServiceRecord): void {
    refuseUnlessEnded(service, "deleted");
    this.#context.store.remove(service.id);
    this.#context.tags.forget(service.id);
    this.#bySlug.delete(service.slug);
    this.#fleet.forget([service.primary, ...service.past]);
  }

  /** Makes a second token valid beside the first, for a rotation. */
  addToken(service: ServiceRecord): void {
    if (!service.useBearerToken) throw new Refusal(400, `queries of service ${service.name} need no token`);
    if (service.secondaryToken !== null)
      throw new Refusal(409, `service ${service.name} has two tokens; delete one first`);
    service.secondaryToken = newToken();
    this.#context.store.save(service);
  }

  /** Takes one of two tokens away, the second unless it is named; the other one is the first from then on. */
  removeToken(service: ServiceRecord, named?: string): void {
    const { token: first, secondaryToken: second } = service;
    if (second === null) throw new Refusal(400, `service ${service.name} has one token only; add another one first`);
    const token = named ?? second;
    if (token !== first && token !== second) throw new Refusal(404, `this is no token of service ${service.name}`);
    service.token = token === first ? second : first;
    service.secondaryToken = null;
    this.#context.store.save(service);
  }

  /** Takes up the services of an earlier emulator: adopts versions that still run, starts the others. */
  resume(): void {
    this.#lifecycle.resume();
  }

  /** Ends all processes and keeps the records: the next emulator starts them again. */
  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /** The service of a URL. */
  bySlug(slug: string): ServiceRecord | undefined {
    return this.#bySlug.get(slug);
  }

  /** The processes of a version; undefined when it ended. */
  running(version: VersionRecord): RunningVersion | undefined {
    return this.#fleet.get(version);
  }

  #known(service: ServiceRecord): ServiceRecord {
    this.#bySlug.set(service.slug, service);
    return service;
  }
}

function refuseUnlessEnded(service: ServiceRecord, what: string): void {
  if (service.endedAt === null || service.ending.length > 0) {
    throw new Refusal(400, `service ${service.name} has not ended and cannot be ${what}; terminate it first`);
  }
}
