import { cancellationSignal } from "@temporalio/activity";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { withAliases } from "../src/domain/registry.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import type { ServiceStatus } from "../src/compute-port.ts";
import type { Ports } from "../src/ports.ts";
import { servedEndpoint } from "./arms.ts";
import { readClaim } from "./claims.ts";
import { findFormerChampion, findServing } from "./comebacks.ts";
import { assertChampionServes, assertOurs, isOurs, notOurs } from "./ownership.ts";
import { changeRegistry, takeLock } from "./rollout-lock.ts";
import type { RolloutActivities, ServedModel, WeightRequest, AutomaticWeightRequest } from "./rollout-interfaces.ts";
import { askModel, readQuestions } from "./questions.ts";
import { createLook } from "./looks.ts";
import { stillWaiting, waitedMs } from "./waiting.ts";
import { observeWeight, steadily } from "./weights.ts";

/** Questions of a probe: few, since each costs the users' service time. */
const probeQuestions = 8;
/** How long a version that was just applied may be missing from what the service shows. */
const settleMs = 15_000;

type RolloutPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "workflows" | "gates" | "metrics">;

export function createRolloutActivities(ports: RolloutPorts): RolloutActivities {
  const { compute, store } = ports;
  return {
    lockRollout: (request) => takeLock(ports, request),

    async awaitLock(request) {
      const aliases = await takeLock(ports, request);
      if (aliases === null) throw stillWaiting("another rollout to be over");
      return aliases;
    },

    async unlockRollout({ pipeline, workflowId }) {
      await changeRegistry(store, pipeline, (registry) =>
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
    look: createLook(ports),

    findFormerChampion: (request) => findFormerChampion(ports, request),
    findServing: (request) => findServing(ports, request),

    async moveAliases({ pipeline, ...move }) {
      const at = new Date().toISOString();
      await changeRegistry(store, pipeline, (registry) => withAliases(registry, { ...move, at }));
    },
  };
}

async function setWeight(
  ports: RolloutPorts,
  request: WeightRequest | AutomaticWeightRequest,
): Promise<{ reached: boolean }> {
  const { store } = ports;
  const name = serviceName(request.pipeline);
  const isThere = (service: ServiceStatus | null): boolean =>
    request.percent !== null && observeWeight(service, request).is === "reached";
  const before = await steadily(request.policy, async () => {
    const service = await ports.compute.getService(name);
    if (isThere(service)) return { service, reached: true };
    assertChampionServes(service, request);
    await assertOurs(store, service, request);
    return { service, reached: false };
  });
  if (before.reached) return { reached: true };
  // A version beside one that is to serve alone is rolled back: there is nothing to apply.
  if (request.complete && before.service?.primary?.version === request.model && before.service.canary !== null)
    await ports.compute.rollBackService(name);
  else await apply(ports, request);
  return steadily(request.policy, async () => ({ reached: isThere(await ports.compute.getService(name)) }));
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

async function takeDown(ports: RolloutPorts, request: RollOutInput & ServedModel): Promise<void> {
  const { pipeline, model, champion, comeback } = request;
  const service = await ports.compute.getService(serviceName(pipeline));
  if (service === null || service.state === "terminated") return;
  if (service.canary?.version === model) return ports.compute.rollBackService(service.name);
  if (service.primary?.version !== model) return;
  if (champion === null) return ports.compute.terminateService(service.name);
  // What others had deployed there, and a comeback has replaced, is not known how to deploy.
  if (comeback && !(await isOurs(ports.store, pipeline, champion)))
    throw notOurs({ pipeline, version: champion, to: null });
  await apply(ports, { ...request, model: champion, percent: 100, complete: true });
}

async function awaitWeight({ compute }: RolloutPorts, request: WeightRequest): Promise<void> {
  const { pipeline, model } = request;
  await steadily(request.policy, async () => {
    const observed = observeWeight(await compute.getService(serviceName(pipeline)), request);
    switch (observed.is) {
      case "reached":
        return;
      case "waiting":
        throw stillWaiting(observed.for);
      case "missing":
        if (waitedMs() < settleMs) throw stillWaiting(`${model} to appear`);
        throw new TypedFailure(
          "ServiceChanged",
          `${serviceName(pipeline)} shows ${observed.shown}, not ${model}: somebody else changed it`,
        );
    }
  });
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
