/** Which champion comes back, and where to. */
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { formerChampion, wasChampion } from "../src/domain/registry.ts";
import { registrySchema } from "../src/domain/registry-schema.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument } from "./documents.ts";
import { isOurs, notOurs } from "./ownership.ts";
import type { RolloutActivities } from "./rollout-interfaces.ts";

type ComebackPorts = Pick<Ports, "store" | "compute">;

export async function findFormerChampion(
  { store, compute }: ComebackPorts,
  { pipeline, to }: Parameters<RolloutActivities["findFormerChampion"]>[0],
): ReturnType<RolloutActivities["findFormerChampion"]> {
  const registry = await needDocument(store, objectKeys.registry(pipeline), registrySchema);
  const { champion, testSet } = registry;
  if (testSet === null) throw new TypedFailure("NotFound", `${pipeline} has no frozen test set to probe a model with`);
  const { primary = null, canary = null } = (await compute.getService(serviceName(pipeline))) ?? {};
  const serves = primary !== null && primary.version === champion && primary.weightPercent === 100;
  const meetUsers = [primary, canary].flatMap((shown) =>
    shown === null || shown.version === champion || shown.weightPercent === 0 ? [] : [shown.version],
  );
  const ours = await Promise.all(meetUsers.map((version) => isOurs(store, pipeline, version)));
  // A rollout that was terminated leaves its challenger with users: the way back is that to the champion of now.
  const isLeft = ours.includes(true);
  return {
    model: formerChampion(registry, { wanted: to ?? (isLeft ? champion : null), serves }),
    champion,
    testSet: { key: testSet.key, sha256: testSet.sha256, records: testSet.records },
  };
}

export async function findServing(
  { store, compute }: ComebackPorts,
  { pipeline, model, comeback }: Parameters<RolloutActivities["findServing"]>[0],
): ReturnType<RolloutActivities["findServing"]> {
  const registry = await needDocument(store, objectKeys.registry(pipeline), registrySchema);
  if (!wasChampion(registry, model)) {
    throw new TypedFailure(
      "InvalidInput",
      `comeback: ${model} was never champion of ${pipeline}: nobody has judged it`,
    );
  }
  const service = await compute.getService(serviceName(pipeline));
  if (service?.state === "terminating")
    throw new TypedFailure("Conflict", `${serviceName(pipeline)} is being terminated`);
  const primary = service?.primary?.version ?? null;
  const mayEnd =
    primary === null ||
    [model, registry.champion].includes(primary) ||
    comeback?.replaceOthers ||
    (await isOurs(store, pipeline, primary));
  if (!mayEnd) throw notOurs({ pipeline, version: primary, to: model });
  return { serves: primary };
}
