import { randomBytes } from "node:crypto";
import type { Application, ServiceApply, ServiceApplyVersions } from "../anyscale/services-wire.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import { newId, now } from "./ids.ts";
import { Refusal } from "./refusal.ts";
import type { ServiceRecord, VersionRecord } from "./service-records.ts";

/** What an application is called, and the path below which it is served. */
export function placeOf(application: Application): { name: string; prefix: string } {
  return { name: application.name ?? "default", prefix: application.route_prefix ?? "/" };
}

/** Throws `Refusal` (400) for applications that cannot stand beside each other, with the field and the remedy. */
export function checkApplications(request: ServiceApply): void {
  const places = request.ray_serve_config.applications.map(placeOf);
  for (const { name, prefix } of places) {
    if (!/^\/$|^(\/[^/{}?#]+)+$/.test(prefix)) {
      const remedy = 'let it start with "/" and not end with one';
      throw new Refusal(400, `ray_serve_config.applications: route_prefix "${prefix}" is no path; ${remedy}`);
    }
    for (const [field, same] of [
      ["name", places.filter((place) => place.name === name)],
      ["route_prefix", places.filter((place) => place.prefix === prefix)],
    ] as const) {
      if (same.length > 1) {
        const value = field === "name" ? name : prefix;
        throw new Refusal(
          400,
          `ray_serve_config.applications: ${same.length} have the ${field} "${value}"; give each its own`,
        );
      }
    }
  }
}

/** Throws `Refusal` (400) unless the versions belong to one service, have a name each, and share all its requests. */
export function checkVersions({ service_versions: versions }: ServiceApplyVersions): void {
  if (new Set(versions.map(({ name }) => name)).size > 1) {
    throw new Refusal(400, "service_versions: name differs; all must be versions of one service");
  }
  const names = versions.map(({ version }) => version);
  if (names.includes(undefined) || new Set(names).size < names.length) {
    throw new Refusal(400, "service_versions: each needs a version name of its own");
  }
  checkShares(versions.map(({ traffic_percent: share }) => share));
  versions.forEach(checkApplications);
}

/** Throws `Refusal` (400) unless the shares of several versions are whole: together 100. */
export function checkShares(shares: readonly (number | undefined)[]): void {
  const sum = shares.reduce<number>((total, share) => total + (share ?? 0), 0);
  if (shares.includes(undefined) || sum !== 100) {
    throw new Refusal(400, `traffic_percent of all versions must be given and add up to 100, not to ${sum}`);
  }
}

/** A service that was never applied before, with its first version. */
export function newService(request: ServiceApply, projectId: string, primary: VersionRecord): ServiceRecord {
  const id = newId("service2");
  return {
    id,
    name: request.name,
    projectId,
    createdAt: now(),
    deployedAt: now(),
    endedAt: null,
    archivedAt: null,
    goal: "RUNNING",
    description: null,
    slug: `${request.name.toLowerCase().replace(/[^a-z0-9-]/g, "-")}-${id.slice(-5)}`,
    token: newToken(),
    secondaryToken: null,
    useBearerToken: true,
    primary,
    canary: null,
    others: [],
    isMultiVersion: false,
    update: null,
    ending: [],
    past: [],
    rollout: { automatic: true, autoComplete: true, goingBack: false, stuck: false, movedAt: null },
    error: null,
    events: [],
  };
}

/** A bearer token for queries. */
export function newToken(): string {
  return randomBytes(24).toString("base64url");
}

/** A version that is about to start, with the share that it has from the first moment. */
export function newVersion(request: ServiceApply, weight: number): VersionRecord {
  return {
    id: newId("srvver"),
    generation: 0,
    productionJobId: newId("prodjob"),
    version: request.version ?? `v-${randomBytes(5).toString("hex")}`,
    createdAt: now(),
    request,
    state: "STARTING",
    message: null,
    weight,
    target: weight,
    replicas: request.ray_serve_config.applications.map((application) => ({
      id: newId("replica"),
      application: placeOf(application).name,
      state: "STARTING",
      message: null,
      process: null,
      port: null,
    })),
  };
}

/** The same version with another application; processes of its own until it takes the place. */
export function nextGeneration(version: VersionRecord, request: ServiceApply): VersionRecord {
  const { id, generation, productionJobId, createdAt, version: name } = version;
  const next = newVersion({ ...request, version: request.version ?? name }, version.weight);
  return { ...next, id, productionJobId, createdAt, generation: generation + 1 };
}

/** Equal names decide when there is one, else equal content: that is how a repeated apply finds its version. */
export function isSameVersion(version: VersionRecord, request: ServiceApply, compute: ComputeConfigs): boolean {
  if (request.version !== undefined) return request.version === version.version;
  return hasSameContent(version.request, request, compute);
}

/** Whether two applies bring the same application on the same image and machines. */
export function hasSameContent(one: ServiceApply, other: ServiceApply, compute: ComputeConfigs): boolean {
  const content = ({ ray_serve_config: config, build_id: build, compute_config_id: id }: ServiceApply) => {
    const machines = compute.get(id);
    // An anonymous one is made anew by every deploy.
    return JSON.stringify([config, build, machines.name === null ? machines.config : id]);
  };
  return content(one) === content(other);
}
