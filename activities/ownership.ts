/** What a rollout may end: versions of the pipeline's own, and the champion only as its successor. */
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import { rollBackCommand } from "../src/domain/roll-back.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import type { ServiceStatus } from "../src/compute-port.ts";
import type { ObjectStore } from "../src/ports.ts";
import { readClaim } from "./claims.ts";
import type { ServedModel } from "./rollout-interfaces.ts";

/** Throws ServiceChanged where the champion does not serve: beside nobody a version would get all traffic, judged or not. */
export function assertChampionServes(
  service: ServiceStatus | null,
  { pipeline, model, champion, comeback }: RollOutInput & ServedModel,
): void {
  if (champion === null || champion === model) return;
  const primary = service?.primary?.version;
  if (primary === champion || primary === model) return;
  // Beside whom a champion comes back may be none that could be brought back itself.
  const [who, to] = comeback ? [champion, model] : [`the champion ${champion}`, champion];
  const command = rollBackCommand(pipeline, { to, replaceOthers: primary !== undefined });
  throw new TypedFailure(
    "ServiceChanged",
    `${serviceName(pipeline)} serves ${primary ?? "nothing"}, not ${who}: somebody else changed it; ` +
      `bring ${to} back by ${command}`,
  );
}

/**
 * An apply ends what is there beside the primary version, and at last that one. Throws ServiceChanged where that is none of
 * the pipeline's own, unless it is to be replaced.
 */
export async function assertOurs(
  store: ObjectStore,
  service: ServiceStatus | null,
  { pipeline, model, champion, comeback }: RollOutInput & ServedModel,
): Promise<void> {
  if (comeback?.replaceOthers) return;
  for (const { version } of [service?.primary, service?.canary].flatMap((shown) => shown ?? [])) {
    if (version === model || version === champion) continue;
    if (!(await isOurs(store, pipeline, version)))
      throw notOurs({ pipeline, version, to: comeback ? model : champion });
  }
}

/** Whether the pipeline has trained a version. */
export async function isOurs(store: ObjectStore, pipeline: string, version: string): Promise<boolean> {
  return (await readClaim(store, { pipeline, model: version })) !== null;
}

/**
 * The failure for a version that the pipeline has not trained.
 *
 * @param to the champion that can be brought back in its place; null for none
 */
export function notOurs(of: { pipeline: string; version: string; to: string | null }): TypedFailure {
  const { pipeline, version, to } = of;
  const command = to === null ? null : rollBackCommand(pipeline, { to, replaceOthers: true });
  return new TypedFailure(
    "ServiceChanged",
    `${serviceName(pipeline)} has ${version}, which ${pipeline} has not trained: somebody else changed it; it is left as it is` +
      (command === null ? "" : `; bring ${to} back in its place by ${command}`),
  );
}
