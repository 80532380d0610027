import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { Faults } from "./faults.ts";
import type { Images } from "./images.ts";
import { provisionsOf } from "./job-request.ts";
import { notices } from "./notices.ts";
import { Replica, type ReplicaContext } from "./replica.ts";
import type { VersionRecord } from "./service-records.ts";
import { placeOf } from "./service-requests.ts";

/** What a version needs from the rest of the emulator. */
export interface VersionContext extends Omit<ReplicaContext, "directory" | "logFile"> {
  faults: Faults;
  computeConfigs: ComputeConfigs;
  images: Images;
  /** Receives one directory per version. */
  versionsDirectory: string;
}

/** Where the output of a version is, of all its processes; the file may not be there yet. */
export function versionLog(versionsDirectory: string, versionId: string): string {
  return join(versionsDirectory, versionId, "log");
}

/** The processes of one version, one per application. It runs when all of them do. */
export class RunningVersion {
  readonly #record: VersionRecord;
  readonly #context: VersionContext;
  readonly #replicas: { prefix: string; replica: Replica }[];

  constructor(record: VersionRecord, context: VersionContext) {
    this.#record = record;
    this.#context = context;
    const directory = join(context.versionsDirectory, record.id);
    mkdirSync(directory, { recursive: true });
    this.#replicas = record.request.ray_serve_config.applications.flatMap((application, index) => {
      const replica = record.replicas[index];
      if (replica === undefined) return [];
      const own = new Replica(replica, application, {
        ...context,
        directory: join(directory, `${record.generation}-${index}`),
        logFile: versionLog(context.versionsDirectory, record.id),
        changed: () => this.#changed(),
      });
      return [{ prefix: placeOf(application).prefix, replica: own }];
    });
    // The longest prefix that fits is the one that is meant.
    this.#replicas.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** Starts its processes, unless a fault was ordered. What it asks for and does not get stands in its log before. */
  start(): void {
    const { id, request, version } = this.#record;
    const { computeConfigs, faults, images, versionsDirectory } = this.#context;
    const [image, build] = images.build(request.build_id);
    const computeConfig = computeConfigs.get(request.compute_config_id);
    const provisions = request.ray_serve_config.applications.map((each) => provisionsOf(each.runtime_env));
    const pyExecutable = provisions.find((each) => each.pyExecutable !== null)?.pyExecutable ?? null;
    const missing = notices({ image, build, computeConfig, pyExecutable });
    appendFileSync(versionLog(versionsDirectory, id), missing.join(""));
    const fault = faults.take(["service-unhealthy", "service-never-ready"], { name: request.name, version });
    if (fault?.kind === "service-never-ready") return;
    for (const { replica } of this.#replicas) {
      if (fault === null) replica.start();
      else replica.fail("unhealthy because a fault was ordered");
    }
  }

  /** Takes over the processes of an earlier emulator, and starts those that are gone. */
  adopt(): void {
    for (const { replica } of this.#replicas) replica.adopt();
  }

  /** The application that serves a path; undefined when none does. */
  replicaFor(path: string): Replica | undefined {
    return this.#replicas.find(({ prefix }) => isBelow(path, prefix))?.replica;
  }

  /** Ends its processes for good. With `drain`, after their requests in flight (10 s at most). */
  async end(options: { drain: boolean }): Promise<void> {
    await Promise.all(this.#replicas.map(({ replica }) => replica.end(options)));
  }

  #changed(): void {
    const version = this.#record;
    const sick = version.replicas.find(({ state }) => state === "UNHEALTHY");
    if (sick !== undefined) version.state = "UNHEALTHY";
    else version.state = version.replicas.every(({ state }) => state === "RUNNING") ? "RUNNING" : "STARTING";
    const where = version.replicas.length > 1 ? `${sick?.application}: ` : "";
    version.message = sick === undefined ? null : `${where}${sick.message}`;
    this.#context.changed();
  }
}

function isBelow(path: string, prefix: string): boolean {
  if (prefix === "/" || path === prefix) return true;
  return path.startsWith(prefix) && (path[prefix.length] === "/" || path[prefix.length] === "?");
}
