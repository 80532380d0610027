import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { InvalidRequestError } from "./errors.ts";
import { envVarsSchema } from "./input.ts";
import { presignedUploadSchema } from "./lookups-wire.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { type RuntimeEnv, resultOf } from "./wire.ts";
import { isRemoteDirectory, type PackedDirectory, packDirectory } from "./working-directory.ts";

/** Files and environment of a job, or of each application of a service. */
export interface RuntimeEnvOptions {
  /**
   * Local directory, uploaded once per content without `.git`, `.venv`, `venv`, `__pycache__`, what `.gitignore` names and what
   * `excludes` names, up to 512 MiB; or a URI (`s3://`, `gs://`, `https://`), passed on. Default and null: none.
   */
  workingDirectory?: string | null;
  /** What is not uploaded, as lines of a `.gitignore` relative to the directory. */
  excludes?: readonly string[];
  /** More directories, local or URIs as `workingDirectory`, that Python can import from. */
  pyModules?: readonly string[];
  /** Python packages: lines of a `requirements.txt`, or the path of one. Installed by each run before it starts. */
  requirements?: string | readonly string[] | null;
  /** Environment variables; names of letters, digits and `_`. */
  envVars?: Readonly<Record<string, string>>;
}

/** Schemas of {@link RuntimeEnvOptions}, for the schema of what has them. */
export const runtimeEnvFields = {
  workingDirectory: z.string().min(1).nullish(),
  excludes: z.array(z.string()).readonly().optional(),
  pyModules: z.array(z.string().min(1)).readonly().optional(),
  requirements: z.union([z.string(), z.array(z.string()).readonly()]).nullish(),
  envVars: envVarsSchema.optional(),
};

/** A runtime environment whose local parts are read and checked, and nothing of it sent. */
export interface PackedRuntimeEnv {
  /** What the body says, but for the URIs of what is still to be uploaded. */
  known: RuntimeEnv;
  workingDirectory: DirectorySource | null;
  pyModules: readonly DirectorySource[];
}

/** A directory: a URI, or the packed content of a local one. */
type DirectorySource = { given: string; packed: PackedDirectory | null };

/** Reads and packs what is local. Throws `InvalidRequestError` for a directory that cannot be packed or a file that is missing. */
export function packRuntimeEnv(options: RuntimeEnvOptions): PackedRuntimeEnv {
  const { workingDirectory, excludes = [], pyModules = [], requirements, envVars = {} } = options;
  const sources = new Map<string, DirectorySource>();
  const sourceOf = (given: string): DirectorySource => {
    const known = sources.get(given);
    const source = known ?? { given, packed: isRemoteDirectory(given) ? null : packDirectory(given, excludes) };
    sources.set(given, source);
    return source;
  };
  return {
    known: {
      excludes: excludes.length === 0 ? undefined : [...excludes],
      pip: linesOf(requirements ?? []),
      env_vars: Object.keys(envVars).length === 0 ? undefined : { ...envVars },
    },
    workingDirectory: workingDirectory == null ? null : sourceOf(workingDirectory),
    pyModules: pyModules.map(sourceOf),
  };
}

/** Uploads to a cloud what its bucket does not have yet; answers the body's `runtime_env`, undefined when there is nothing in it. */
export async function uploadRuntimeEnv(
  packed: PackedRuntimeEnv,
  cloudId: string,
  transport: Transport,
  options: CallOptions,
): Promise<RuntimeEnv | undefined> {
  const uris = new Map<DirectorySource, string>();
  const uriOf = async (source: DirectorySource): Promise<string> => {
    const known = uris.get(source);
    if (known !== undefined) return known;
    const uri = source.packed === null ? source.given : await upload(source.packed, cloudId, transport, options);
    uris.set(source, uri);
    return uri;
  };
  const env: RuntimeEnv = { ...packed.known };
  if (packed.workingDirectory !== null) {
    env.user_provided_working_dir = packed.workingDirectory.given;
    env.working_dir = await uriOf(packed.workingDirectory);
  }
  if (packed.pyModules.length > 0) {
    env.user_provided_py_modules = packed.pyModules.map(({ given }) => given);
    const modules: string[] = [];
    for (const source of packed.pyModules) modules.push(await uriOf(source));
    env.py_modules = modules;
  }
  return Object.values(env).some((value) => value !== undefined) ? env : undefined;
}

async function upload(directory: PackedDirectory, cloudId: string, transport: Transport, options: CallOptions) {
  const { result: target } = await transport.call({
    method: "POST",
    path: apiPath`/api/v2/clouds/${cloudId}/generate_cloud_data_bucket_presigned_url`,
    body: { file_type: "runtime_env_packages", file_name: directory.fileName, access_mode: "WRITE" },
    reply: resultOf(presignedUploadSchema),
    ...options,
  });
  if (!target.file_exists) await transport.upload(target.url, directory.bytes, options);
  return target.file_uri;
}

/** Lines of a requirements file without comments and blanks; given lines as they are. Undefined when there are none. */
function linesOf(requirements: string | readonly string[]): string[] | undefined {
  if (typeof requirements !== "string") return requirements.length === 0 ? undefined : [...requirements];
  return readText("requirements", requirements)
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/s, "").trim())
    .filter((line) => line !== "");
}

/** The text of a local file that an option names. Throws `InvalidRequestError` with the option's name. */
export function readText(option: string, path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new InvalidRequestError(`${option} "${path}" is not a file; pass the path of one`);
  }
  return readFileSync(path, "utf8");
}
