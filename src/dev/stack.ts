/**
 * The local stack: a Temporal dev server with its web UI, an S3 server, the emulator and a worker, all on the loopback
 * address, with everything they keep in one state directory. Servers that die are started again; when this process
 * dies, a watchdog ends them.
 */
import { resolve } from "node:path";
import { superviseChild, type Child, type Supervision } from "./child.ts";
import { endRecordedProcesses, identify } from "../emulator/processes.ts";
import { planStack, type StackOptions, type StackPlan, type StackService } from "./stack-plan.ts";
import { publishStack, withdrawStack, type StackAddresses } from "./stack-file.ts";
import { lockState } from "./state-lock.ts";
import { endLeftovers, startWatchdog } from "./watchdog-link.ts";

/** A running stack. */
export interface Stack {
  /** Absolute. */
  stateDirectory: string;
  addresses: StackAddresses;
  /** What the stack's servers add to an environment; lay it over another one with `withStackEnvironment`. */
  environment: Record<string, string>;
  /** Process ids by service; null while a service is being started again. */
  pids(): Partial<Record<StackService, number | null>>;
  /** Resolves when a server died so often that it was given up; the rest still runs. */
  failed: Promise<Error>;
  /** Stops everything in order, the worker first. State stays. */
  stop(): Promise<void>;
}

/**
 * Starts a stack and resolves when each of its servers answers. Throws `StateInUseError` when a stack runs on this
 * state directory already, and when a server cannot be found or does not start; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stateDirectory = resolve(options.stateDirectory);
  const unlock = lockState(stateDirectory);
  try {
    await endLeftovers(stateDirectory);
    return await runPlan(await planStack({ ...options, stateDirectory }), { ...options, stateDirectory }, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function runPlan(plan: StackPlan, options: StackOptions, unlock: () => void): Promise<Stack> {
  const { stateDirectory, report } = options;
  const watchdog = startWatchdog(stateDirectory, plan.emulatorState);
  const children = new Map<StackService, Child>();
  const giveUp = new AbortController();
  const cancel = options.signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, options.signal]);
  const failure = Promise.withResolvers<Error>();
  const supervision: Supervision = { report, watchdog, cancel, gaveUp: failure.resolve };

  async function start(services: readonly StackService[]): Promise<void> {
    const starts = services.map(async (service) => {
      const makeSpec = plan.servers[service];
      if (makeSpec === undefined) return;
      children.set(service, await superviseChild(await makeSpec(cancel), supervision));
      report(`${service} is up`);
    });
    // The first failure ends the other starts; all of them are awaited, so that nothing starts behind our back.
    for (const started of starts) started.catch((error: unknown) => giveUp.abort(error));
    await Promise.allSettled(starts);
    cancel.throwIfAborted();
  }

  async function stop(): Promise<void> {
    withdrawStack(stateDirectory);
    // The worker finishes its activities against servers that are still there.
    for (const group of [["worker"], ["emulator"], ["temporal", "s3"]] as const) {
      await Promise.all(group.map(async (service) => children.get(service)?.stop()));
    }
    // An emulator that had to be killed could not end its jobs and service versions.
    if (plan.emulatorState !== null) await endRecordedProcesses(plan.emulatorState);
    await watchdog.dismiss();
  }

  try {
    await start(["temporal", "s3", "emulator"]);
    await start(["worker"]);
  } catch (error) {
    await stop();
    throw error;
  }
  const self = identify(process.pid);
  if (self !== null)
    publishStack(stateDirectory, { process: self, addresses: plan.addresses, environment: plan.environment });
  let stopped: Promise<void> | null = null;
  return {
    stateDirectory,
    addresses: plan.addresses,
    environment: plan.environment,
    pids: () => Object.fromEntries([...children].map(([service, child]) => [service, child.pid()])),
    failed: failure.promise,
    stop: () => (stopped ??= stop().finally(unlock)),
  };
}
