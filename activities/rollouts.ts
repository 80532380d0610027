import { activityInfo, cancellationSignal } from "@temporalio/activity";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { emptyRegistry, withAliases } from "../src/domain/registry.ts";
import { registrySchema, type Registry } from "../src/domain/registry-schema.ts";
import type { Ports, ServiceStatus, ServiceVersionStatus } from "../src/ports.ts";
import { readDocument, updateDocument } from "./documents.ts";
import type { RolloutActivities, ServedModel } from "./interfaces.ts";
import { askModel, readQuestions, servedEndpoint } from "./questions.ts";
import { stillWaiting } from "./waiting.ts";

/** Questions of a probe: few, since each costs the users' service time. */
const probeQuestions = 8;
/** How long a version that was just applied may be missing from what the service shows. */
const settleMs = 15_000;

type RolloutPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "workflows">;

export function createRolloutActivities(ports: RolloutPorts): RolloutActivities {
  const { store, compute, recipes } = ports;
  return {
    lockRollout: (request) => lock(ports, request),

    async unlockRollout({ pipeline, workflowId }) {
      await changeRegistry(ports, pipeline, (registry) =>
        registry.lock?.workflowId === workflowId ? { ...registry, lock: null } : registry,
      );
    },

    async setWeight({ pipeline, model, recipe, compute: where, percent, complete }) {
      const rendered = await recipes.renderService(recipe.name, store.uri(objectKeys.model(pipeline, model)));
      await compute.applyService({
        name: serviceName(pipeline),
        version: model,
        ...rendered,
        envVars: {},
        canaryPercent: percent,
        completeRollout: complete,
        computeConfig: where.config,
        cloud: where.cloud,
        tags: { tuneloop: pipeline },
      });
    },

    awaitWeight: (request) => awaitWeight(ports, request),

    async takeDown({ pipeline, model, champion }) {
      const service = await compute.getService(serviceName(pipeline));
      if (service === null || service.state === "terminated") return;
      if (service.canary?.version === model) return compute.rollBackService(service.name);
      if (service.primary?.version !== model) return;
      if (champion === null) return compute.terminateService(service.name);
      throw new TypedFailure(
        "ServiceChanged",
        `${service.name} serves ${model} alone: deploy ${champion} again by hand`,
      );
    },

    async awaitDown({ pipeline, model }) {
      const service = await compute.getService(serviceName(pipeline));
      if (service === null || service.state === "terminated") return;
      const versions = [service.primary, service.canary];
      if (!versions.some((version) => version?.version === model)) return;
      throw stillWaiting(`${model} to be taken down, the service is ${service.state}`);
    },

    probe: (request) => probe(ports, request),

    async moveAliases({ pipeline, ...move }) {
      const at = new Date().toISOString();
      await changeRegistry(ports, pipeline, (registry) => withAliases(registry, { ...move, at }));
    },
  };
}

async function awaitWeight(
  { compute }: RolloutPorts,
  { percent, complete, ...served }: ServedModel & { percent: number; complete: boolean },
): Promise<void> {
  const service = await compute.getService(serviceName(served.pipeline));
  const { model, champion } = served;
  if (service?.primary?.version === model) {
    if (champion !== null && champion !== model && !complete) {
      throw new TypedFailure(
        "ServiceChanged",
        `${service.name} serves ${model} alone: ${champion} was ended by others`,
      );
    }
    if (service.canary !== null) throw stillWaiting(`${service.name} to finish its rollout`);
    assertCanServe(service, service.primary);
    if (service.primary.state === "running" && service.primary.weightPercent === 100) return;
    throw stillWaiting(`${model} to serve, it is ${service.primary.state}`);
  }
  const canary = service?.canary ?? null;
  if (service === null || canary?.version !== model) throw missing(served, service);
  assertCanServe(service, canary);
  if (!complete && canary.state === "running" && canary.weightPercent === percent) return;
  throw stillWaiting(`${model} at ${percent} %, it is ${canary.state} at ${canary.weightPercent} %`);
}

async function probe(
  { compute, store, endpoint: client }: RolloutPorts,
  { maxErrorRate, testSet, ...served }: ServedModel & { testSet: TestSet; maxErrorRate: number },
): Promise<{ asked: number; failed: number }> {
  const endpoint = await servedEndpoint(compute, served);
  const questions = await readQuestions(store, testSet, 0, probeQuestions);
  const answers = await Promise.all(
    questions.map((question) => askModel(client, endpoint, question, { temperature: 0, signal: cancellationSignal() })),
  );
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

/** A version that is not shown: not yet, or no more. */
function missing({ pipeline, model }: ServedModel, service: ServiceStatus | null): TypedFailure {
  if (Date.now() - activityInfo().scheduledTimestampMs < settleMs) return stillWaiting(`${model} to appear`);
  const shown = [service?.primary?.version, service?.canary?.version].filter(Boolean).join(" and ") || "nothing";
  return new TypedFailure("ServiceChanged", `${serviceName(pipeline)} shows ${shown}, not ${model}: others changed it`);
}

function assertCanServe(service: ServiceStatus, version: ServiceVersionStatus): void {
  if (version.state === "unhealthy" || version.state === "failed") {
    throw new TypedFailure(
      "ServiceFailed",
      `${version.version} is ${version.state}${service.error === null ? "" : `: ${service.error}`}`,
    );
  }
}
