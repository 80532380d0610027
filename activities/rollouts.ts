import { activityInfo, cancellationSignal } from "@temporalio/activity";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { emptyRegistry, formerChampion, withAliases } from "../src/domain/registry.ts";
import { registrySchema, type Registry } from "../src/domain/registry-schema.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import type { ServiceStatus } from "../src/compute-port.ts";
import type { Ports } from "../src/ports.ts";
import { servedEndpoint } from "./arms.ts";
import { readClaim } from "./claims.ts";
import { needDocument, readDocument, updateDocument } from "./documents.ts";
import type { RolloutActivities, ServedModel, WeightRequest, AutomaticWeightRequest } from "./rollout-interfaces.ts";
import { askModel, readQuestions } from "./questions.ts";
import { look } from "./looks.ts";
import { stillWaiting } from "./waiting.ts";
import { observeWeight } from "./weights.ts";

/** Questions of a probe: few, since each costs the users' service time. */
const probeQuestions = 8;
/** How long a version that was just applied may be missing from what the service shows. */
const settleMs = 15_000;

type RolloutPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "workflows" | "gates" | "metrics">;

export function createRolloutActivities(ports: RolloutPorts): RolloutActivities {
  const { compute } = ports;
  return {
    lockRollout: (request) => lock(ports, request),

    async unlockRollout({ pipeline, workflowId }) {
      await changeRegistry(ports, pipeline, (registry) =>
        registry.lock?.workflowId === workflowId ? { ...registry, lock: null } : registry,
      );
    },

    setWeight: (request) => setWeight(ports, request),
    awaitWeight: (request) => awaitWeight(ports, request),

    takeDown: (request) => takeDown(ports, request),

    async awaitDown({ pipeline, model, champion }) {
      const service = await compute.getService(serviceName(pipeline));
      if (service === null || service.state === "terminated") return { serves: null };
      const { primary, canary } = service;
      if (primary?.version === model || canary?.version === model)
        throw stillWaiting(`${model} to be taken down, the service is ${service.state}`);
      // Who else serves is for others to say: somebody may have deployed meanwhile.
      if (primary !== null && primary.version === champion && canary === null && primary.weightPercent !== 100)
        throw stillWaiting(`${champion} to have all traffic, it has ${primary.weightPercent} %`);
      return { serves: primary?.version ?? null };
    },

    probe: (request) => probe(ports, request),
    look: (request) => look(ports, request),

    async findFormerChampion({ pipeline, to }) {
      const registry = await needDocument(ports.store, objectKeys.registry(pipeline), registrySchema);
      const { testSet } = registry;
      if (testSet === null)
        throw new TypedFailure("NotFound", `${pipeline} has no frozen test set to probe a model with`);
      return {
        model: formerChampion(registry, to),
        testSet: { key: testSet.key, sha256: testSet.sha256, records: testSet.records },
      };
    },

    async moveAliases({ pipeline, ...move }) {
      const at = new Date().toISOString();
      await changeRegistry(ports, pipeline, (registry) => withAliases(registry, { ...move, at }));
    },
  };
}

async function setWeight(
  ports: RolloutPorts,
  request: WeightRequest | AutomaticWeightRequest,
): Promise<{ reached: boolean }> {
  const name = serviceName(request.pipeline);
  const isThere = (service: ServiceStatus | null): boolean =>
    request.percent !== null && observeWeight(service, request).is === "reached";
  const before = await ports.compute.getService(name);
  if (isThere(before)) return { reached: true };
  assertChampionServes(before, request);
  await assertOurs(ports, before, request);
  await apply(ports, request);
  return { reached: isThere(await ports.compute.getService(name)) };
}

async function apply(
  { store, compute, recipes }: RolloutPorts,
  request: WeightRequest | AutomaticWeightRequest,
): Promise<void> {
  const { pipeline, model, compute: where, percent, complete } = request;
  // A version is served as it was trained, also the one to go back to, whatever the pipeline has chosen since.
  const recipe = (await readClaim(store, request))?.recipe ?? recipes.check(request.recipe);
  const rendered = await recipes.renderService(recipe, store.uri(objectKeys.model(pipeline, model)));
  const { compute: shape, modelName: _, ...service } = rendered;
  await compute.applyService({
    ...service,
    name: serviceName(pipeline),
    version: model,
    canaryPercent: percent,
    completeRollout: complete,
    compute: where.config ?? shape,
    cloud: where.cloud,
    tags: { tuneloop: pipeline },
  });
}

/** Beside nobody a version would get all traffic, judged or not. */
function assertChampionServes(service: ServiceStatus | null, { pipeline, model, champion }: ServedModel): void {
  if (champion === null || champion === model) return;
  const primary = service?.primary?.version;
  if (primary === champion || primary === model) return;
  throw new TypedFailure(
    "ServiceChanged",
    `${serviceName(pipeline)} serves ${primary ?? "nothing"}, not the champion ${champion}: somebody else changed it; ` +
      `bring it back by the workflow rollOut with model ${champion} and target promoted`,
  );
}

/** An apply ends what is there beside the primary version, and at last that one: only what was trained here is ours to end. */
async function assertOurs(
  { store }: RolloutPorts,
  service: ServiceStatus | null,
  { pipeline, model, champion }: ServedModel,
): Promise<void> {
  for (const { version } of [service?.primary, service?.canary].flatMap((shown) => shown ?? [])) {
    if (version === model || version === champion) continue;
    if ((await readClaim(store, { pipeline, model: version })) !== null) continue;
    throw new TypedFailure(
      "ServiceChanged",
      `${serviceName(pipeline)} has ${version}, which ${pipeline} has not trained: somebody else changed it; it is left as it is`,
    );
  }
}

async function takeDown(ports: RolloutPorts, request: RollOutInput & ServedModel): Promise<void> {
  const { pipeline, model, champion } = request;
  const service = await ports.compute.getService(serviceName(pipeline));
  if (service === null || service.state === "terminated") return;
  if (service.canary?.version === model) return ports.compute.rollBackService(service.name);
  if (service.primary?.version !== model) return;
  if (champion === null) return ports.compute.terminateService(service.name);
  await apply(ports, { ...request, model: champion, percent: 100, complete: true });
}

async function awaitWeight({ compute }: RolloutPorts, request: WeightRequest): Promise<void> {
  const { pipeline, model } = request;
  const observed = observeWeight(await compute.getService(serviceName(pipeline)), request);
  switch (observed.is) {
    case "reached":
      return;
    case "waiting":
      throw stillWaiting(observed.for);
    case "missing":
      if (Date.now() - activityInfo().scheduledTimestampMs < settleMs) throw stillWaiting(`${model} to appear`);
      throw new TypedFailure(
        "ServiceChanged",
        `${serviceName(pipeline)} shows ${observed.shown}, not ${model}: somebody else changed it`,
      );
  }
}

async function probe(
  ports: RolloutPorts,
  { maxErrorRate, testSet, ...served }: ServedModel & { testSet: TestSet; maxErrorRate: number },
): Promise<{ asked: number; failed: number }> {
  const endpoint = await servedEndpoint(ports, served);
  const questions = await readQuestions(ports.store, testSet, 0, probeQuestions);
  const options = { temperature: 0, signal: cancellationSignal() };
  const answers = await Promise.all(questions.map((question) => askModel(ports.endpoint, endpoint, question, options)));
  const failed = answers.filter(({ answer }) => answer === null);
  if (failed.length / answers.length > maxErrorRate) {
    const example = failed[0]?.error ?? "";
    throw new TypedFailure(
      "ProbeFailed",
      `${served.model}: ${failed.length} of ${answers.length} probes failed: ${example}`,
    );
  }
  return { asked: answers.length, failed: failed.length };
}

async function lock(
  ports: RolloutPorts,
  { pipeline, workflowId, runId }: { pipeline: string; workflowId: string; runId: string },
): Promise<{ champion: string | null; challenger: string | null }> {
  const held = (await readDocument(ports.store, objectKeys.registry(pipeline), registrySchema))?.value.lock ?? null;
  if (held !== null && held.workflowId !== workflowId) {
    const { status } = await ports.workflows.outcome(held.workflowId, held.runId);
    if (status === "running") throw lockedBy(held.workflowId);
  }
  const registry = await changeRegistry(ports, pipeline, (current) => {
    const lock = current.lock;
    if (lock?.workflowId === workflowId && lock.runId === runId) return current;
    if (lock !== null && lock.workflowId !== workflowId && lock.runId !== held?.runId) throw lockedBy(lock.workflowId);
    return { ...current, lock: { workflowId, runId, acquiredAt: new Date().toISOString() } };
  });
  return { champion: registry.champion, challenger: registry.challenger };
}

function lockedBy(workflowId: string): TypedFailure {
  return new TypedFailure("RolloutLocked", `${workflowId} is moving traffic of this model; wait for it or cancel it`);
}

function changeRegistry(
  { store }: RolloutPorts,
  pipeline: string,
  change: (registry: Registry) => Registry,
): Promise<Registry> {
  return updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) =>
    change(current ?? emptyRegistry(pipeline)),
  );
}
