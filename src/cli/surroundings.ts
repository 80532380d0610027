/** Which Temporal, S3 and Anyscale a command speaks to. */
import { readRunningStack, withStackEnvironment } from "../dev/stack-file.ts";

/**
 * The environment of a command: as it is when it names a Temporal server, else with the local stack's that runs in
 * `stateDirectory`, if one does.
 */
export function surroundings(environment: NodeJS.ProcessEnv, stateDirectory: string): Record<string, string> {
  const named = environment["TEMPORAL_ADDRESS"] !== undefined || environment["TEMPORAL_PROFILE"] !== undefined;
  const stack = named ? null : readRunningStack(stateDirectory);
  return withStackEnvironment(environment, stack?.environment ?? {});
}
