/** The registry's rollout lock: one rollout of a model moves traffic at a time. */
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema, type Registry } from "../src/domain/registry-schema.ts";
import { whyMeetsUsers } from "../src/domain/roll-back.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { readDocument, updateDocument } from "./documents.ts";
import type { Aliases, LockRequest } from "./rollout-interfaces.ts";

/** Takes the lock; null when a rollout that is over soon holds it. Throws RolloutLocked where it is not. */
export async function takeLock(
  { store, workflows }: Pick<Ports, "store" | "workflows">,
  { pipeline, workflowId, runId, isBrief }: LockRequest,
): Promise<Aliases | null> {
  const held = (await readDocument(store, objectKeys.registry(pipeline), registrySchema))?.value.lock ?? null;
  if (held !== null && held.workflowId !== workflowId) {
    const { status } = await workflows.outcome(held.workflowId, held.runId);
    if (status === "running") return giveWay(pipeline, held);
  }
  const found: { rival: Registry["lock"] } = { rival: null };
  const registry = await changeRegistry(store, pipeline, (current) => {
    const { lock } = current;
    const isMine = lock?.workflowId === workflowId;
    found.rival = lock !== null && !isMine && lock.runId !== held?.runId ? lock : null;
    if (found.rival !== null || (isMine && lock.runId === runId)) return current;
    return { ...current, lock: { workflowId, runId, acquiredAt: new Date().toISOString(), isBrief } };
  });
  if (found.rival !== null) return giveWay(pipeline, found.rival);
  return { champion: registry.champion, challenger: registry.challenger };
}

/** Changes a registry by If-Match, which begins empty; the same registry back changes nothing. */
export function changeRegistry(
  store: ObjectStore,
  pipeline: string,
  change: (registry: Registry) => Registry,
): Promise<Registry> {
  return updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) =>
    change(current ?? emptyRegistry(pipeline)),
  );
}

function giveWay(pipeline: string, { workflowId, isBrief }: NonNullable<Registry["lock"]>): null {
  if (isBrief) return null;
  throw new TypedFailure("RolloutLocked", whyMeetsUsers(pipeline, workflowId));
}
