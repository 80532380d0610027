/** One Temporal server and one workflow bundle for all tests of the workflows; each test file has its own namespace. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { workflowBundle } from "../../src/temporal/workflow-bundle.ts";
import { startTestStack } from "./stack.ts";

declare module "vitest" {
  export interface ProvidedContext {
    temporalAddress: string;
    /** File with the bundled workflows. */
    workflowBundlePath: string;
  }
}

/** Events after which the server suggests to continue as new: few, so that tests get there. */
const eventsPerRun = 200;

/** Vitest's global setup; what it returns ends the server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-bundle-"));
  const [bundle, stack] = await Promise.all([
    workflowBundle(),
    startTestStack({
      services: ["temporal"],
      dynamicConfig: {
        "limit.historyCount.suggestContinueAsNew": eventsPerRun,
        "system.namespaceCacheRefreshInterval": "100ms",
      },
    }),
  ]);
  if (!("code" in bundle)) throw new Error(`tests run the workflows of the checkout, not ${bundle.codePath}`);
  const bundlePath = join(directory, "workflow-bundle.js");
  await writeFile(bundlePath, bundle.code);
  project.provide("workflowBundlePath", bundlePath);
  project.provide("temporalAddress", stack.addresses.temporal ?? "");
  return async () => {
    await stack.stop();
    await rm(directory, { recursive: true });
  };
}
