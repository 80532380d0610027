import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Makes the environment of a child process out of what its config asks for. */
export type ChildEnvironment = (envVars?: Record<string, string>) => NodeJS.ProcessEnv;

/** Stands for `python` where there is a `python3` only, as on many machines. */
const PYTHON = `#!/bin/sh
exec python3 "$@"
`;

/**
 * Children get the emulator's environment, then `extra`, then their own variables. In PATH, `node` is the one the emulator
 * runs on, and `python` is found wherever `python3` is, by a file in `binDirectory`. The API's token stays out: what runs
 * on a cluster does not have it either.
 */
export function childEnvironment(extra: Record<string, string>, binDirectory: string): ChildEnvironment {
  mkdirSync(binDirectory, { recursive: true });
  writeFileSync(join(binDirectory, "python"), PYTHON);
  chmodSync(join(binDirectory, "python"), 0o755);
  const { ANYSCALE_CLI_TOKEN: _token, ...inherited } = process.env;
  return (envVars = {}) => {
    const env = { ...inherited, ...extra, ...envVars };
    return { ...env, PATH: [dirname(process.execPath), env.PATH ?? "", binDirectory].join(delimiter) };
  };
}
