import { log, sleep } from "@temporalio/activity";
import { TypedFailure } from "../src/domain/failures.ts";
import { serviceName } from "../src/domain/ids.ts";
import type { ServiceStatus, ServiceVersionStatus } from "../src/compute-port.ts";
import type { RolloutPolicy } from "../src/domain/rollout-schema.ts";
import type { ServedModel } from "./rollout-interfaces.ts";

/** Reads that must all say so before something is believed to be wrong with a service. */
const reads = 4;
/** How long these take at most, in milliseconds. */
const mostSteadyMs = 5000;

/**
 * Observes a service, again where it is changed or cannot serve, for it may show something else for a moment: throws
 * ServiceChanged and ServiceFailed only when it stays so for half the time between two looks, at most five seconds. Obeys
 * cancellation.
 */
export async function steadily<T>(
  { probeSeconds }: Pick<RolloutPolicy, "probeSeconds">,
  observe: () => Promise<T>,
): Promise<T> {
  const pauseMs = Math.min(mostSteadyMs, probeSeconds * 500) / (reads - 1);
  for (let read = 1; ; read++) {
    try {
      return await observe();
    } catch (error) {
      if (!isOfService(error) || read === reads) throw error;
      log.warn("a service is read again", { read, reason: error.message });
      await sleep(pauseMs);
    }
  }
}

function isOfService(error: unknown): error is TypedFailure {
  return error instanceof TypedFailure && (error.type === "ServiceChanged" || error.type === "ServiceFailed");
}

/** What a weight that was asked for looks like right now. */
export type ObservedWeight = { is: "reached" } | { is: "waiting"; for: string } | { is: "missing"; shown: string };

/**
 * Compares a service as observed with what was asked of it. Throws ServiceFailed when the version cannot serve and
 * ServiceChanged when somebody else ended the champion.
 */
export function observeWeight(
  service: ServiceStatus | null,
  { pipeline, model, champion, percent, complete }: ServedModel & { percent: number; complete: boolean },
): ObservedWeight {
  const primary = service?.primary ?? null;
  const canary = service?.canary ?? null;
  if (primary?.version === model) {
    // A provider that completes every rollout at 100 % has ended the champion by itself: it can be deployed again.
    if (champion !== null && champion !== model && percent < 100) {
      const message = `${serviceName(pipeline)} serves ${model} alone: ${champion} was ended by others`;
      throw new TypedFailure("ServiceChanged", message);
    }
    assertCanServe(service, primary);
    if (canary !== null) return { is: "waiting", for: "the rollout to be completed" };
    if (primary.state === "running" && primary.weightPercent === 100) return { is: "reached" };
    return { is: "waiting", for: `${model} to serve, it is ${primary.state}` };
  }
  if (canary?.version !== model) {
    const shown = [primary?.version, canary?.version].filter(Boolean).join(" and ");
    return { is: "missing", shown: shown || "nothing" };
  }
  assertCanServe(service, canary);
  if (!complete && canary.state === "running" && canary.weightPercent === percent) return { is: "reached" };
  return { is: "waiting", for: `${model} at ${percent} %, it is ${canary.state} at ${canary.weightPercent} %` };
}

/**
 * The share of the traffic that a rollout's version is observed to have. A state that is not known or passing is borne, for
 * the version's own answers tell more. Throws ServiceFailed when it cannot serve, ServiceChanged when the service is not as
 * the rollout left it.
 *
 * @param percent that it was left at; null where the provider moves it
 */
export function observeShare(
  service: ServiceStatus | null,
  { pipeline, model, champion, percent }: ServedModel & { percent: number | null },
): { percent: number; state: ServiceVersionStatus["state"] } {
  const { primary = null, canary = null } = service ?? {};
  const version = [canary, primary].find((candidate) => candidate?.version === model) ?? null;
  const shown = [primary, canary].flatMap((candidate) => candidate ?? []);
  const isBesideOthers = shown.some((candidate) => candidate.version !== model && candidate.version !== champion);
  const seen = shown.map((candidate) => `${candidate.version} at ${candidate.weightPercent} %`).join(" and ");
  const hasMoved = version !== null && percent !== null && version.weightPercent !== percent;
  if (version === null || isBesideOthers || hasMoved) {
    const left = percent === null ? `${model} to the provider's own steps` : `${model} at ${percent} %`;
    // A provider that turns back by itself says why.
    const why = service?.error ? `: ${service.error}` : "";
    throw new TypedFailure(
      "ServiceChanged",
      `${serviceName(pipeline)} shows ${seen || "nothing"}, and this rollout left ${left}: somebody else changed it${why}`,
    );
  }
  assertCanServe(service, version);
  return { percent: version.weightPercent, state: version.state };
}

function assertCanServe(service: ServiceStatus | null, version: ServiceVersionStatus): void {
  if (version.state !== "unhealthy" && version.state !== "failed") return;
  const reason = service?.error ?? null;
  throw new TypedFailure(
    "ServiceFailed",
    `${version.version} is ${version.state}${reason === null ? "" : `: ${reason}`}`,
  );
}
