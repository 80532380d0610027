import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_COMPUTE_NAME } from "./compute-configs.ts";
import { isDefaultBuild } from "./images.ts";
import { nodeGroups } from "./node-groups.ts";
import type { BuildRecord, ComputeConfigRecord, ImageRecord } from "./records.ts";

/** How many Python files of a working directory are looked into for Ray, so that a large one costs little. */
const MAX_FILES = 200;

const RAY_IN_CODE = /^\s*(?:import|from)\s+ray\b/m;
const RAY_IN_COMMAND = /(?:^|[;&|(])\s*ray\s|\b(?:import|from)\s+ray\b/;

/** What a job asks for and does not get here, one line each for the start of its log; empty when nothing is missing. */
export function notices(asked: {
  image: ImageRecord;
  build: BuildRecord;
  computeConfig: ComputeConfigRecord;
  pyExecutable: string | null;
}): string[] {
  const { image, build, computeConfig, pyExecutable } = asked;
  const lines: string[] = [];
  if (build.containerfile !== null) {
    lines.push(`the containerfile of image ${image.name} was not built: this runs on the machine's own software`);
  } else if (!isDefaultBuild(build)) {
    lines.push(`image ${build.imageUri} is not used: this runs on the machine's own software`);
  }
  if (computeConfig.name !== DEFAULT_COMPUTE_NAME) {
    const groups = nodeGroups(computeConfig.config);
    const nodes = groups.map(({ type, minNodes, maxNodes }, index) => {
      if (index === 0) return type;
      return `${minNodes === maxNodes ? maxNodes : `${minNodes} to ${maxNodes}`} x ${type}`;
    });
    const sizes = nodes.length === 0 ? "" : ` (${nodes.join(", ")})`;
    const gpus = groups.some(({ hasGpus }) => hasGpus) ? ", and no GPUs but those it has" : "";
    lines.push(
      `compute config ${computeConfig.name ?? "given inline"}${sizes} is not used: this has one machine${gpus}`,
    );
  }
  if (pyExecutable !== null) lines.push(`py_executable "${pyExecutable}" is not used`);
  return lines.map((line) => `[emulator] ${line}\n`);
}

/** Whether a job's command or a Python file of its working directory (of the first 200) imports or calls Ray. */
export function usesRay(entrypoint: string, workingDirectory: string): boolean {
  if (RAY_IN_COMMAND.test(entrypoint)) return true;
  return readdirSync(workingDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".py"))
    .slice(0, MAX_FILES)
    .some(({ parentPath, name }) => RAY_IN_CODE.test(readFileSync(join(parentPath, name), "utf8")));
}
