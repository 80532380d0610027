import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WorkflowBundleOption } from "@temporalio/worker";
import { z } from "zod";

const bundleSchema = z.object({ code: z.string() });

/**
 * The workflows as workers run them: bundled beforehand in the installed package, now in a checkout (about 4 s). A process
 * of its own does that, since a bundler leaves some 200 MB behind in the one it runs in. Throws when it fails; why is on
 * standard error.
 */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  const packaged = fileURLToPath(new URL("../../workflow-bundle.js", import.meta.url));
  if (existsSync(packaged)) return { codePath: packaged };
  const [bundler, workflows] = ["./bundle-workflows.ts", "../../workflows/index.ts"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return bundleSchema.parse(await answerOf(bundler ?? "", [workflows ?? ""]));
}

/** The first message of a module that is run in a process of its own. */
function answerOf(module: string, args: readonly string[]): Promise<unknown> {
  const child = fork(module, args, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    // Comes after all messages.
    child.once("disconnect", () => reject(new Error("the workflows cannot be bundled")));
  });
}
