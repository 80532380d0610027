import { rmSync } from "node:fs";
import { join } from "node:path";
import { RunningVersion, type VersionContext } from "./running-version.ts";
import type { VersionRecord } from "./service-records.ts";

/** What a fleet needs from the rest of the emulator. */
export type FleetContext = Omit<VersionContext, "changed">;

/** The processes of all versions of all services. */
export class Fleet {
  readonly #context: FleetContext;
  readonly #versions = new Map<string, RunningVersion>();

  constructor(context: FleetContext) {
    this.#context = context;
  }

  /** Makes a version known, without a process yet. `changed` is called after every change of its record. */
  add(version: VersionRecord, changed: () => void): RunningVersion {
    const running = new RunningVersion(version, { ...this.#context, changed });
    this.#versions.set(keyOf(version), running);
    return running;
  }

  /** The processes of a version; undefined when it ended. */
  get(version: VersionRecord): RunningVersion | undefined {
    return this.#versions.get(keyOf(version));
  }

  /** Ends a version's processes after their requests in flight; the record says so in the end. */
  async end(version: VersionRecord): Promise<void> {
    version.state = "TERMINATING";
    await this.get(version)?.end({ drain: true });
    this.#versions.delete(keyOf(version));
    Object.assign(version, { state: "TERMINATED", weight: 0, target: 0 });
    for (const replica of version.replicas) Object.assign(replica, { process: null, port: null });
  }

  /** Removes what ended versions left behind, their logs included. */
  forget(versions: readonly VersionRecord[]): void {
    for (const { id } of versions) rmSync(join(this.#context.versionsDirectory, id), { recursive: true, force: true });
  }

  /** Ends all processes and leaves the records as they are. */
  async stop(): Promise<void> {
    await Promise.all([...this.#versions.values()].map((version) => version.end({ drain: false })));
  }
}

function keyOf({ id, generation }: VersionRecord): string {
  return `${id}.${generation}`;
}
