import { InvalidRequestError, NotFoundError, WaitFailedError } from "./errors.ts";
import { type Look, poll, type PollOptions } from "./poll.ts";
import type { Service, ServiceVersion } from "./services-wire.ts";
import type { CallOptions } from "./transport.ts";

/** What to wait for. Without `version` the service's own state counts. */
export interface ServiceWait extends PollOptions {
  /**
   * Name of the version that shall get there. Right after a deploy the service may still say RUNNING of the version before,
   * and with a `canaryPercent` it may not say so until the rollout ends: the version tells.
   */
  version?: string;
  /** State to reach. Default `RUNNING`. */
  state?: string;
  /** Observed share of requests that the version shall have as well, 0..100. Default: any. */
  weightPercent?: number;
  /** How long UNHEALTHY may last before it counts as failed, in milliseconds; replicas restart by themselves. Default 30,000. */
  unhealthyMs?: number;
  /** Project of the service; needed only where several projects have its name. */
  projectId?: string;
}

/** What one look at a service says about what is waited for. */
export type ServiceJudgement =
  | { is: "reached" }
  | { is: "waiting"; seen: string; unhealthy: boolean }
  | { is: "lost"; why: string };

/** What a judgement is about. */
export type ServiceTarget = Pick<ServiceWait, "version" | "weightPercent"> & { state: string };

/** States of a service that no waiting improves. */
const FAILED = ["SYSTEM_FAILURE", "USER_ERROR_FAILURE"];

/** States of a service that ends or has ended. */
const ENDED = ["TERMINATING", "TERMINATED"];

/** States of a service in which it gets no version that it does not name. */
const SETTLED = ["RUNNING", "ROLLING_OUT", "ROLLING_BACK", "UNHEALTHY", ...FAILED, ...ENDED];

/**
 * Looks at a service, one request per poll, until the target is reached; answers the service as it is then.
 *
 * @param find one look at the service, null when there is none
 * @throws `NotFoundError` when there is no such service, `WaitFailedError` when the target cannot be reached any more,
 * `WaitTimeoutError` when the time is up, `InvalidRequestError` before the first look
 */
export async function waitForService(
  name: string,
  find: (options: CallOptions) => Promise<Service | null>,
  wait: ServiceWait,
): Promise<Service> {
  const { version, weightPercent, unhealthyMs = 30_000 } = wait;
  const target: ServiceTarget = { version, weightPercent, state: wait.state ?? "RUNNING" };
  checkTarget(target, unhealthyMs);
  const what = `service "${name}"${describe(target)}`;
  let unhealthySince: number | null = null;
  const look = async (options: CallOptions): Promise<Look<Service>> => {
    const service = await find(options);
    if (service === null) throw new NotFoundError(`there is no service "${name}"; deploy it or check the name`);
    const judgement = judgeService(service, target);
    if (judgement.is === "reached") return { answer: service };
    if (judgement.is === "lost") throw new WaitFailedError(`${what} cannot be reached: ${judgement.why}`);
    unhealthySince = judgement.unhealthy ? (unhealthySince ?? Date.now()) : null;
    if (unhealthySince !== null && Date.now() - unhealthySince >= unhealthyMs) {
      throw new WaitFailedError(`${what} cannot be reached: ${judgement.seen} for ${unhealthyMs} ms`);
    }
    return { seen: judgement.seen };
  };
  return await poll(what, look, wait);
}

/** Whether a service as seen has reached a target, may still reach it, or cannot any more. States that are not known may. */
export function judgeService(service: Service, target: ServiceTarget): ServiceJudgement {
  if (target.version === undefined) return judgeWhole(service, target.state);
  const version = versionsOf(service).find(({ version }) => version === target.version);
  if (version === undefined) {
    if (target.state === "TERMINATED") return { is: "reached" };
    // An update in place may name its version only when it is done, a restart when it has begun.
    const isRestarting = ENDED.includes(service.current_state) && service.goal_state === "RUNNING";
    if (isRestarting || !SETTLED.includes(service.current_state)) return waiting(service, false);
    return { is: "lost", why: `the service has ${list(service)}` };
  }
  const hasWeight = target.weightPercent === undefined || version.weight === target.weightPercent;
  if (version.current_state === target.state && hasWeight) return { is: "reached" };
  const why = whyLost(service, target.state) ?? whyVersionLost(service, version, target);
  if (why !== null) return { is: "lost", why };
  return waiting(service, version.current_state === "UNHEALTHY");
}

function judgeWhole(service: Service, state: string): ServiceJudgement {
  if (service.current_state === state) return { is: "reached" };
  const why = whyLost(service, state);
  return why === null ? waiting(service, service.current_state === "UNHEALTHY") : { is: "lost", why };
}

/** Why nothing of this service gets to a state, null while it may. */
function whyLost(service: Service, state: string): string | null {
  if (ENDED.includes(state)) return null;
  if (FAILED.includes(service.current_state)) return `the service is ${service.current_state}${reason(service)}`;
  // A service that is being restarted still says TERMINATED for a while, but that it shall run.
  const ends = ENDED.includes(service.current_state) && service.goal_state !== "RUNNING";
  return ends ? `the service is ${service.current_state}` : null;
}

function whyVersionLost(service: Service, version: ServiceVersion, target: ServiceTarget): string | null {
  const { current_state: state, weight } = version;
  if (ENDED.includes(target.state)) return null;
  if (state === "SYSTEM_FAILURE") return `it is ${state}${reason(service)}`;
  if (ENDED.includes(state)) return `it is ${state}`;
  const isCanary = service.canary_version?.id === version.id;
  if (service.current_state === "ROLLING_BACK" && isCanary) return `it is being rolled back${reason(service)}`;
  // The only version of a service has all requests until somebody rolls out another.
  const isAlone = !service.is_multi_version && !service.canary_version;
  if (isAlone && weight === 100 && target.weightPercent !== undefined && target.weightPercent !== 100) {
    return "there is no rollout, it has all requests";
  }
  return null;
}

function waiting(service: Service, unhealthy: boolean): ServiceJudgement {
  return { is: "waiting", seen: `${service.current_state} with ${list(service)}${reason(service)}`, unhealthy };
}

/** Every version that a service names, each once. */
export function versionsOf(service: Service): ServiceVersion[] {
  const named = [service.primary_version, service.canary_version, ...(service.versions ?? [])];
  return [...new Map(named.flatMap((version) => (version ? [[version.id, version]] : []))).values()];
}

function list(service: Service): string {
  const words = versionsOf(service).map((one) => `${one.version} ${one.current_state} at ${one.weight} %`);
  return words.length === 0 ? "no version" : words.join(", ");
}

function reason(service: Service): string {
  return service.error_message ? `: ${service.error_message}` : "";
}

function describe({ version, state, weightPercent }: ServiceTarget): string {
  const whose = version === undefined ? "" : `, version "${version}",`;
  return `${whose} in state ${state}${weightPercent === undefined ? "" : ` at ${weightPercent} %`}`;
}

function checkTarget({ version, weightPercent }: ServiceTarget, unhealthyMs: number): void {
  if (version === "") throw new InvalidRequestError("version is empty; name one or leave it out");
  if (!(unhealthyMs >= 0)) throw new InvalidRequestError(`unhealthyMs is ${unhealthyMs}; pass milliseconds from 0 on`);
  if (weightPercent === undefined) return;
  if (version === undefined) throw new InvalidRequestError("weightPercent needs version: a service has no weight");
  if (!(weightPercent >= 0 && weightPercent <= 100)) {
    throw new InvalidRequestError(`weightPercent is ${weightPercent}; pass 0 to 100`);
  }
}
