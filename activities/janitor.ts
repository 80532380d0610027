/** Finds what costs money and belongs to no workflow that lives, and ends it. */
import { activityInfo } from "@temporalio/activity";
import { isTerminal } from "../src/domain/job.ts";
import { cycleNumber, cycleOfModel, serviceName } from "../src/domain/ids.ts";
import type { Orphan, Unread } from "../src/domain/janitor-schema.ts";
import { whyOf } from "../src/domain/janitor.ts";
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
      const unreadable: Unread[] = [];
      for await (const orphan of orphans(ports, before, (unread) => unreadable.push(unread))) {
        found.push(orphan);
        if (found.length === mostOrphans) break;
      }
      return { orphans: found, unreadable: unreadable.slice(0, mostOrphans) };
    },

    async endOrphan(orphan) {
      // Much may have happened since it was found: a rollout that made it champion, a cycle that was started again.
      const isLeft = await isStill(ports, orphan);
      // The attempt before may have ended it and been lost.
      const isRepeat = activityInfo().attempt > 1;
      switch (orphan.kind) {
        case "job":
          if (isLeft) await compute.terminateJob(orphan.id);
          return { ended: isLeft || isRepeat };
        case "version":
          if (isLeft) await compute.rollBackService(orphan.service);
          break;
        case "service":
          if (isLeft) await compute.terminateService(orphan.service);
      }
      const ended = isLeft || (isRepeat && (await isGone(ports, orphan)));
      if (ended) await forget(ports, orphan);
      return { ended };
    },

    async readPeople({ pipeline }) {
      const registry = await readDocument(ports.store, objectKeys.registry(pipeline), registrySchema);
      return { alerts: registry?.value.alerts ?? [] };
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

/** Whether its service does not have the version any more. */
async function isGone({ compute }: JanitorPorts, { service, version }: StrayVersion): Promise<boolean> {
  const { state, primary, canary } = (await compute.getService(service)) ?? { state: "terminated" };
  return state === "terminated" || ![primary?.version, canary?.version].includes(version);
}

/** Takes the alias from a version that is down. */
async function forget({ store }: JanitorPorts, orphan: StrayVersion): Promise<void> {
  const { pipeline, version } = orphan;
  const { workflowExecution } = activityInfo();
  const move = {
    to: { challenger: null },
    at: new Date().toISOString(),
    workflowId: workflowExecution?.workflowId ?? "",
  };
  await updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) => {
    const registry = current ?? emptyRegistry(pipeline);
    return registry.challenger === version
      ? withAliases(registry, { ...move, reason: `the janitor: ${whyOf(orphan)}` })
      : registry;
  });
}

/** One pipeline that cannot be read holds up no other: what is wrong with it is told. */
async function* orphans(ports: JanitorPorts, before: number, tell: (unread: Unread) => void): AsyncGenerator<Orphan> {
  const orNothing = async <T>(pipeline: string, what: string, find: () => Promise<T[]>): Promise<T[]> => {
    try {
      return await find();
    } catch (error) {
      tell({ pipeline, what, reason: error instanceof Error ? error.message : String(error) });
      return [];
    }
  };
  for await (const { pipeline, model } of unfinishedModels(ports)) {
    yield* await orNothing(pipeline, `the jobs of ${model}`, () => orphanedJobs(ports, { pipeline, model }, before));
  }
  for await (const { key } of ports.store.list(objectKeys.registries)) {
    const pipeline = key.slice(objectKeys.registries.length).replace(/\.json$/, "");
    yield* await orNothing(pipeline, `the service of ${pipeline}`, async () => {
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
  const owner = { workflowId: claim.workflowId, status };
  return alive.map(({ id, name, createdAt }) => ({ kind: "job", id, name, pipeline, model, since: createdAt, owner }));
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
  return { ...stray, service, pipeline, owner: { workflowId: owner.workflowId, status } };
}

/** A version as its service shows it. */
type Stray =
  | { kind: "version"; version: string; champion: string | null; percent: number }
  | { kind: "service"; version: string };

function strayOf(service: ServiceStatus | null, champion: string | null): Stray | null {
  if (service === null || service.state === "terminated") return null;
  const { primary, canary } = service;
  if (canary !== null && canary.version !== champion) {
    return { kind: "version", version: canary.version, champion, percent: canary.weightPercent };
  }
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
