/** Finds what costs money and belongs to no workflow that lives, and ends it. */
import { activityInfo } from "@temporalio/activity";
import { isTerminal } from "../src/domain/job.ts";
import { cycleNumber, cycleOfModel, serviceName } from "../src/domain/ids.ts";
import type { Orphan } from "../src/domain/janitor-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { emptyRegistry, withAliases } from "../src/domain/registry.ts";
import { registrySchema, type Registry } from "../src/domain/registry-schema.ts";
import type { ServiceStatus } from "../src/compute-port.ts";
import type { Ports } from "../src/ports.ts";
import { readClaim } from "./claims.ts";
import { readDocument, updateDocument } from "./documents.ts";
import type { JanitorActivities } from "./rollout-interfaces.ts";

/** Orphans that one pass answers: histories hold them; the next pass finds the others. */
const mostOrphans = 100;

type StrayVersion = Exclude<Orphan, { kind: "job" }>;
type JanitorPorts = Pick<Ports, "store" | "compute" | "workflows">;

export function createJanitorActivities(ports: JanitorPorts): JanitorActivities {
  const { compute } = ports;
  return {
    async findOrphans({ graceSeconds }) {
      const before = Date.now() - graceSeconds * 1000;
      const found: Orphan[] = [];
      const unreadable: string[] = [];
      for await (const orphan of orphans(ports, before, (said) => unreadable.push(said))) {
        found.push(orphan);
        if (found.length === mostOrphans) break;
      }
      return { orphans: found, unreadable: unreadable.slice(0, mostOrphans) };
    },

    async endOrphan(orphan) {
      // Much may have happened since it was found: a rollout that made it champion, a cycle that was started again.
      if (!(await isStill(ports, orphan))) return;
      switch (orphan.kind) {
        case "job":
          return compute.terminateJob(orphan.id);
        case "version":
          await compute.rollBackService(orphan.service);
          break;
        case "service":
          await compute.terminateService(orphan.service);
      }
      await forget(ports, orphan);
    },
  };
}

/** Whether what was found is an orphan as before. */
async function isStill(ports: JanitorPorts, orphan: Orphan): Promise<boolean> {
  if (orphan.kind === "job") {
    const left = await orphanedJobs(ports, orphan, Date.now());
    return left.some(({ id }) => id === orphan.id);
  }
  const registry = await readDocument(ports.store, objectKeys.registry(orphan.pipeline), registrySchema);
  const again = registry && (await orphanedVersion(ports, registry.value, Date.now()));
  return again !== null && again.kind === orphan.kind && again.version === orphan.version;
}

/** Takes the alias from a version that is down. */
async function forget({ store }: JanitorPorts, { pipeline, version, why }: StrayVersion): Promise<void> {
  const { workflowExecution } = activityInfo();
  const move = {
    to: { challenger: null },
    at: new Date().toISOString(),
    workflowId: workflowExecution?.workflowId ?? "",
  };
  await updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) => {
    const registry = current ?? emptyRegistry(pipeline);
    return registry.challenger === version
      ? withAliases(registry, { ...move, reason: `the janitor: ${why}` })
      : registry;
  });
}

/** One pipeline that cannot be read holds up no other: what is wrong with it is told. */
async function* orphans(ports: JanitorPorts, before: number, tell: (problem: string) => void): AsyncGenerator<Orphan> {
  const orNothing = async <T>(what: string, find: () => Promise<T[]>): Promise<T[]> => {
    try {
      return await find();
    } catch (error) {
      tell(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  for await (const { pipeline, model } of unfinishedModels(ports)) {
    yield* await orNothing(model, () => orphanedJobs(ports, { pipeline, model }, before));
  }
  for await (const { key } of ports.store.list(objectKeys.registries)) {
    yield* await orNothing(key, async () => {
      const found = await readDocument(ports.store, key, registrySchema);
      const orphan = found && (await orphanedVersion(ports, found.value, before));
      return orphan ? [orphan] : [];
    });
  }
}

/** Model versions that were claimed and have no `model.json`, in the order of their keys. */
async function* unfinishedModels({ store }: JanitorPorts): AsyncGenerator<{ pipeline: string; model: string }> {
  const claims = new Map<string, { pipeline: string; model: string }>();
  for await (const { key } of store.list(objectKeys.allModels)) {
    const [, pipeline = "", model = "", file = ""] = key.split("/");
    const name = `${pipeline}/${model}`;
    if (file === "claim.json") claims.set(name, { pipeline, model });
    if (file === "model.json") claims.delete(name);
  }
  yield* claims.values();
}

async function orphanedJobs(
  { store, compute, workflows }: JanitorPorts,
  { pipeline, model }: { pipeline: string; model: string },
  before: number,
): Promise<Extract<Orphan, { kind: "job" }>[]> {
  const claim = await readClaim(store, { pipeline, model });
  if (claim === null) return [];
  const alive = (await compute.findJobs(claim.jobName)).filter(
    (job) => job.entrypoint === claim.entrypoint && !isTerminal(job.state) && Date.parse(job.createdAt) < before,
  );
  if (alive.length === 0) return [];
  const { status } = await workflows.outcome(claim.workflowId);
  if (status === "running") return [];
  const why = `its workflow ${claim.workflowId} is ${spelt(status)}`;
  return alive.map(({ id, name }) => ({ kind: "job", id, name, pipeline, model, why }));
}

/** The version of a pipeline's service that its cycle and its rollout have left behind; null when there is none. */
async function orphanedVersion(ports: JanitorPorts, registry: Registry, before: number): Promise<StrayVersion | null> {
  const { name: pipeline, champion, lock } = registry;
  const service = serviceName(pipeline);
  const stray = strayOf(await ports.compute.getService(service), champion);
  if (stray === null) return null;
  if (lock !== null && (await ports.workflows.outcome(lock.workflowId, lock.runId)).status === "running") return null;
  const owner = ownerOf(registry, stray.version);
  // Somebody put it there by hand: theirs to take down.
  if (owner === null || Date.parse(owner.at) >= before) return null;
  const { status } = await ports.workflows.outcome(owner.workflowId);
  if (status === "running") return null;
  const why = `its cycle ${owner.workflowId} is ${spelt(status)}`;
  return { kind: stray.kind, service, version: stray.version, pipeline, why };
}

function strayOf(
  service: ServiceStatus | null,
  champion: string | null,
): { kind: "version" | "service"; version: string } | null {
  if (service === null || service.state === "terminated") return null;
  const { primary, canary } = service;
  if (canary !== null && canary.version !== champion) return { kind: "version", version: canary.version };
  if (champion === null && primary !== null) return { kind: "service", version: primary.version };
  return null;
}

/** The cycle that brought a version up, and when something was last heard of it; null when no cycle did. */
function ownerOf(registry: Registry, version: string): { workflowId: string; at: string } | null {
  const { name, history, lock } = registry;
  const cycle = cycleOfModel(name, version);
  if (cycle === null) return null;
  const workflowId = `retrain/${name}/${cycleNumber(cycle.version, cycle.repeat)}`;
  // What was champion once and is up again was brought there by somebody.
  if (registry.challenger === version) {
    const named = history.findLast(({ alias, to }) => alias === "challenger" && to === version);
    return named?.workflowId.startsWith(`${workflowId}/`) ? { workflowId, at: named.at } : null;
  }
  // It never got as far as an alias; the rollout that brought it up has left its lock.
  return lock?.workflowId.startsWith(`${workflowId}/`) ? { workflowId, at: lock.acquiredAt } : null;
}

function spelt(status: string): string {
  return status === "not-found" ? "gone" : status;
}
