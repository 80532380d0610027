import { delimiter, dirname } from "node:path";

/** Makes the environment of a child process out of what its config asks for. */
export type ChildEnvironment = (envVars?: Record<string, string>) => NodeJS.ProcessEnv;

/**
 * Children get the emulator's environment, then `extra`, then their own variables; `node` is the one the emulator runs
 * on. The API's token stays out: what runs on a cluster does not have it either.
 */
export function childEnvironment(extra: Record<string, string>): ChildEnvironment {
  const { ANYSCALE_CLI_TOKEN: _token, ...inherited } = process.env;
  return (envVars = {}) => {
    const env = { ...inherited, ...extra, ...envVars };
    return { ...env, PATH: [dirname(process.execPath), env.PATH ?? ""].join(delimiter) };
  };
}
