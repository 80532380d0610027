import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, type Logger, type WorkflowBundleOption } from "@temporalio/worker";

/** The workflows as workers run them: bundled beforehand in the installed package, now in a checkout (about 3 s). */
export async function workflowBundle(logger: Logger): Promise<WorkflowBundleOption> {
  const packaged = fileURLToPath(new URL("../../workflow-bundle.js", import.meta.url));
  if (existsSync(packaged)) return { codePath: packaged };
  const workflowsPath = fileURLToPath(new URL("../../workflows/index.ts", import.meta.url));
  return bundleWorkflowCode({ workflowsPath, logger });
}
