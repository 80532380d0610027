import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { checkpointChoiceSchema } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { readClaim } from "./claims.ts";
import { readDocument } from "./documents.ts";

/** Where and as what a model is asked. The token never leaves activities. */
export interface AskedEndpoint {
  baseUrl: string;
  token: string | null;
  /** The version to be asked, and no other of the service; null for whichever serves. */
  serviceVersion: string | null;
  /** What its requests name as `model`. */
  model: string;
}

type ArmPorts = Pick<Ports, "compute" | "store" | "recipes" | "secret">;

/**
 * Who is to be evaluated: an endpoint by itself, or a model version that the pipeline's service has up. Throws
 * ServiceFailed when it has not: to wait for somebody to bring it up is not an evaluation's business.
 */
export async function askedArm(ports: ArmPorts, input: EvaluateModelInput): Promise<AskedEndpoint> {
  const { pipeline, model, checkpoint, endpoint } = input;
  if (endpoint !== null) {
    const { url, tokenSecret } = endpoint;
    const token = tokenSecret === undefined ? null : ports.secret(tokenSecret);
    return { baseUrl: url, token, serviceVersion: null, model: endpoint.model };
  }
  const name = serviceName(pipeline);
  const service = await ports.compute.getService(name);
  const up = [service?.primary, service?.canary].flatMap((version) => version?.version ?? []);
  if (service !== null && service.state !== "terminated" && !up.includes(model)) {
    const serves = up.length === 0 ? "nothing" : up.join(" and ");
    throw new TypedFailure(
      "ServiceFailed",
      `${model} is not up: ${name} serves ${serves}; bring it up by the workflow rollOut with target silent`,
    );
  }
  const served = await servedEndpoint(ports, { pipeline, model });
  return checkpoint === null ? served : { ...served, model: `${served.model}@${checkpoint}` };
}

/**
 * The request with the checkpoint that answers for its model version by name, where one was chosen: answers are kept under
 * the name of who gave them, and a service may learn of the choice a moment later.
 */
export async function withCheckpoint(
  { store }: Pick<Ports, "store">,
  request: EvaluateModelInput,
): Promise<EvaluateModelInput> {
  const { pipeline, model, checkpoint, endpoint } = request;
  if (checkpoint !== null || endpoint !== null) return request;
  const choice = await readDocument(store, objectKeys.checkpointChoice(pipeline, model), checkpointChoiceSchema);
  return choice === null ? request : { ...request, checkpoint: choice.value.checkpoint };
}

/** Finds the pipeline's service, whose URL and token reach every version of it. Throws ServiceFailed when there is none. */
export async function servedEndpoint(
  { compute, store, recipes }: Pick<Ports, "compute" | "store" | "recipes">,
  { pipeline, model }: { pipeline: string; model: string },
): Promise<AskedEndpoint> {
  const service = await compute.getService(serviceName(pipeline));
  if (service === null || service.url === null || service.state === "terminated") {
    throw new TypedFailure("ServiceFailed", `${serviceName(pipeline)} is not up: there is nobody to ask`);
  }
  const recipe = (await readClaim(store, { pipeline, model }))?.recipe;
  const rendered = recipe && (await recipes.renderService(recipe, store.uri(objectKeys.model(pipeline, model))));
  return { baseUrl: service.url, token: service.token, serviceVersion: model, model: rendered?.modelName ?? model };
}
