import type { ServiceApply, ServiceApplyVersions } from "../anyscale/services-wire.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { Faults } from "./faults.ts";
import { now } from "./ids.ts";
import type { Images } from "./images.ts";
import { provisionsOf } from "./job-request.ts";
import { Refusal } from "./refusal.ts";
import { aim, shift } from "./rollout.ts";
import { note } from "./service-events.ts";
import type { ServiceLifecycle } from "./service-lifecycle.ts";
import { type ServiceRecord, type VersionRecord, versionsOf } from "./service-records.ts";
import {
  checkApplications,
  checkShares,
  checkVersions,
  hasSameContent,
  isSameVersion,
  newService,
  newVersion,
  nextGeneration,
} from "./service-requests.ts";
import type { Store } from "./state.ts";
import type { Tags } from "./tags.ts";

/** What the deployer needs from the rest of the emulator. */
export interface DeployerContext {
  store: Store<ServiceRecord>;
  tags: Tags;
  faults: Faults;
  computeConfigs: ComputeConfigs;
  images: Images;
  lifecycle: ServiceLifecycle;
}

/** A share of the requests of one of several versions, by its id or name. */
export interface Share {
  id?: string | undefined;
  name: string;
  traffic_percent: number;
}

/** Brings versions into services. All methods throw `Refusal` for what cannot be done now, and then change nothing. */
export class ServiceDeployer {
  readonly #context: DeployerContext;

  constructor(context: DeployerContext) {
    this.#context = context;
  }

  /** Creates the service or changes it. */
  apply(request: ServiceApply, projectId: string): ServiceRecord {
    checkApplications(request);
    this.#checkPlace(request);
    const known = this.#find(request.name, projectId);
    const strategy = request.rollout_strategy ?? "ROLLOUT";
    if (strategy === "IN_PLACE") return this.#updateInPlace(known, request);
    if (strategy === "MULTI_VERSION") {
      throw new Refusal(400, "rollout_strategy MULTI_VERSION belongs to apply_multi_version, with a list of versions");
    }
    if (strategy !== "ROLLOUT") {
      throw new Refusal(
        400,
        `rollout_strategy "${strategy}" is unknown; there are ROLLOUT, IN_PLACE and MULTI_VERSION`,
      );
    }
    if (known === undefined || known.goal === "TERMINATED") {
      const service = this.#bringUp(known, request, projectId, 100);
      this.#lifecycle.advance(service);
      return service;
    }
    this.#rollOut(known, request);
    return known;
  }

  /** Creates the service or changes it to have exactly these versions, with these shares, for good. */
  applyVersions(request: ServiceApplyVersions): ServiceRecord {
    checkVersions(request);
    request.service_versions.forEach((version) => this.#checkPlace(version));
    const wanted = request.service_versions.filter((version) => shareOf(version) > 0);
    const [first, ...rest] = wanted;
    if (first === undefined) throw new Refusal(400, "service_versions: none has requests");
    const known = this.#find(first.name, request.project_id);
    if (known !== undefined && known.goal === "RUNNING") {
      this.#changeVersions(known, wanted);
      return known;
    }
    const service = this.#bringUp(known, first, request.project_id, shareOf(first));
    service.isMultiVersion = true;
    service.others = rest.map((version) => newVersion(version, shareOf(version)));
    for (const version of service.others) this.#lifecycle.start(service, version);
    this.#lifecycle.advance(service);
    return service;
  }

  /** Moves weights between versions that are there. */
  updateWeights(service: ServiceRecord, shares: readonly Share[]): void {
    checkShares(shares.map(({ traffic_percent: share }) => share));
    refuseUnlessRunning(service);
    const versions = versionsOf(service);
    const isOf =
      ({ id, version }: VersionRecord) =>
      (share: Share) =>
        share.id === id || share.name === version;
    const unknown = shares.find((share) => !versions.some((version) => isOf(version)(share)));
    if (unknown !== undefined) throw new Refusal(400, `versions: ${service.name} has no version "${unknown.name}"`);
    const wanted = (version: VersionRecord) => shares.find(isOf(version))?.traffic_percent ?? 0;
    if (service.isMultiVersion) for (const version of versions) version.target = wanted(version);
    else {
      if (service.canary === null) throw new Refusal(400, `service ${service.name} has one version only`);
      this.#aim(service, { percent: wanted(service.canary), autoComplete: service.rollout.autoComplete });
    }
    note(service, { type: "ROLLOUT_UPDATED", message: "weights are to move as ordered" });
    this.#lifecycle.advance(service);
  }

  /** Starts the application of a service's one version anew, beside the one that serves until then. */
  restart(service: ServiceRecord): void {
    refuseUnlessRunning(service);
    refuseDuringRollout(service, "it cannot be restarted");
    note(service, { type: "RESTART_INITIATED", message: "restarted as ordered", version: service.primary });
    this.#replace(service, nextGeneration(service.update ?? service.primary, service.primary.request));
  }

  get #lifecycle(): ServiceLifecycle {
    return this.#context.lifecycle;
  }

  /** Throws `Refusal` (404) for an image or compute config that is not known, `ZodError` for packages that are none. */
  #checkPlace(request: ServiceApply): void {
    for (const { runtime_env: runtimeEnv } of request.ray_serve_config.applications) provisionsOf(runtimeEnv);
    this.#context.images.build(request.build_id);
    this.#context.computeConfigs.get(request.compute_config_id);
  }

  #find(name: string, projectId: string): ServiceRecord | undefined {
    return this.#context.store.all().find((service) => service.name === name && service.projectId === projectId);
  }

  /** Creates a service, or takes a terminated one up again, with this version as the primary one. */
  #bringUp(known: ServiceRecord | undefined, request: ServiceApply, projectId: string, weight: number): ServiceRecord {
    if (known !== undefined && known.endedAt === null) {
      throw new Refusal(409, `service ${known.name} is terminating; try again`);
    }
    const primary = newVersion(request, weight);
    const service = known ?? newService(request, projectId, primary);
    if (known !== undefined) {
      known.past.unshift(known.primary);
      const fresh = { goal: "RUNNING", endedAt: null, archivedAt: null, isMultiVersion: false, error: null } as const;
      Object.assign(known, { ...fresh, primary });
    }
    this.#keepSettings(service, request);
    note(service, { type: "CREATE_INITIATED", message: `${primary.version} is to start`, version: primary });
    this.#context.store.save(service);
    this.#lifecycle.start(service, primary);
    return service;
  }

  #rollOut(service: ServiceRecord, request: ServiceApply): void {
    const { canary, primary } = service;
    if (service.others.length > 0) {
      throw new Refusal(400, `service ${service.name} has several versions; apply all of them with their shares`);
    }
    if (service.rollout.goingBack) throw new Refusal(409, `service ${service.name} is rolling back; try again`);
    if (service.update === null && isSameVersion(primary, request, this.#context.computeConfigs)) {
      if (canary !== null) {
        throw new Refusal(409, `service ${service.name} rolls out ${canary.version}; roll that back first`);
      }
      this.#keepSettings(service, request);
      this.#lifecycle.advance(service);
      return;
    }
    this.#keepSettings(service, request);
    service.isMultiVersion = false;
    const wanted = { percent: request.canary_percent ?? null, autoComplete: request.auto_complete_rollout ?? true };
    if (canary !== null && isSameVersion(canary, request, this.#context.computeConfigs)) {
      this.#aim(service, wanted);
      note(service, {
        type: "ROLLOUT_UPDATED",
        message: `${canary.version} is to have another share`,
        version: canary,
      });
      this.#lifecycle.advance(service);
      return;
    }
    const version = newVersion(request, 0);
    shift(service, 0);
    const replaced = [canary, service.update].filter((old) => old !== null);
    Object.assign(service, { canary: version, update: null, error: null, deployedAt: now() });
    this.#aim(service, wanted);
    service.rollout.movedAt = null;
    note(service, { type: "ROLLOUT_INITIATED", message: `${version.version} is to start`, version });
    for (const old of replaced) this.#lifecycle.retire(service, old);
    this.#lifecycle.start(service, version);
    this.#lifecycle.advance(service);
  }

  #updateInPlace(service: ServiceRecord | undefined, request: ServiceApply): ServiceRecord {
    if (service === undefined)
      throw new Refusal(400, `IN_PLACE needs a service that runs; there is no ${request.name}`);
    refuseUnlessRunning(service);
    refuseDuringRollout(service, "it cannot be updated in place");
    if (request.canary_percent !== undefined || request.max_surge_percent !== undefined) {
      throw new Refusal(400, "canary_percent and max_surge_percent are of a rollout; leave them out IN_PLACE");
    }
    const { primary } = service;
    if (request.build_id !== primary.request.build_id) throw new Refusal(400, "build_id cannot change IN_PLACE");
    if (request.compute_config_id !== primary.request.compute_config_id) {
      throw new Refusal(400, "compute_config_id cannot change IN_PLACE");
    }
    const current = service.update ?? primary;
    const sameName = request.version === undefined || request.version === current.version;
    this.#keepSettings(service, request);
    if (sameName && hasSameContent(current.request, request, this.#context.computeConfigs)) {
      this.#lifecycle.advance(service);
      return service;
    }
    service.deployedAt = now();
    note(service, { type: "UPDATE_INITIATED", message: "the application is to be replaced", version: primary });
    this.#replace(service, nextGeneration(current, request));
    return service;
  }

  /** Starts what is to take the primary version's place once it runs. */
  #replace(service: ServiceRecord, next: VersionRecord): void {
    const { update } = service;
    service.update = next;
    if (update !== null) this.#lifecycle.retire(service, update);
    this.#lifecycle.start(service, next);
    this.#lifecycle.advance(service);
  }

  #changeVersions(service: ServiceRecord, wanted: readonly ServiceApply[]): void {
    if (service.canary !== null || service.update !== null) {
      throw new Refusal(409, `service ${service.name} is changing; complete that or roll it back first`);
    }
    const versions = versionsOf(service);
    for (const version of versions) version.target = 0;
    for (const request of wanted) {
      const same = versions.find(({ version }) => version === request.version);
      if (same !== undefined && hasSameContent(same.request, request, this.#context.computeConfigs)) {
        same.target = shareOf(request);
        continue;
      }
      const version = { ...newVersion(request, 0), target: shareOf(request) };
      service.others.push(version);
      this.#lifecycle.start(service, version);
    }
    Object.assign(service, { isMultiVersion: true, deployedAt: now(), error: null });
    for (const request of wanted) this.#keepSettings(service, request);
    note(service, { type: "ROLLOUT_INITIATED", message: "versions and shares are to be as applied" });
    this.#lifecycle.advance(service);
  }

  /** Sets where a rollout is to go. */
  #aim(service: ServiceRecord, { percent, autoComplete }: { percent: number | null; autoComplete: boolean }): void {
    const facts = { name: service.name, ...(service.canary === null ? {} : { version: service.canary.version }) };
    const stuck = this.#context.faults.take(["service-stuck"], facts) !== null;
    Object.assign(service.rollout, { automatic: percent === null, autoComplete, stuck });
    aim(service, percent ?? 100);
  }

  /** Keeps what an apply says of the service as a whole. */
  #keepSettings(service: ServiceRecord, { config, description, tags }: ServiceApply): void {
    service.useBearerToken = config?.access?.use_bearer_token ?? service.useBearerToken;
    service.description = description ?? service.description;
    if (tags !== undefined) this.#context.tags.put("service", service.id, tags);
  }
}

function shareOf({ traffic_percent: share = 0 }: ServiceApply): number {
  return share;
}

function refuseUnlessRunning(service: ServiceRecord): void {
  if (service.goal === "TERMINATED") throw new Refusal(400, `service ${service.name} is terminated; deploy it again`);
}

function refuseDuringRollout(service: ServiceRecord, what: string): void {
  if (service.canary !== null) {
    throw new Refusal(
      409,
      `service ${service.name} is rolling out: ${what}; complete the rollout or roll it back first`,
    );
  }
  if (service.others.length > 0) throw new Refusal(400, `service ${service.name} has several versions: ${what}`);
}
