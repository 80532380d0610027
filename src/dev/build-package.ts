/**
 * Finishes `dist/` for the npm package, after tsc: files that are not TypeScript, and the workflow bundle, so that an
 * installed worker starts without bundling. Run by `npm pack`.
 */
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { bundleWorkflowCode } from "@temporalio/worker";
import { packageRoot } from "./package-files.ts";

const root = packageRoot();
const dist = join(root, "dist");

for (const folder of ["src", "workflows", "activities"]) {
  for (const file of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
    // The launcher is in the package where it is; configuration of tsc is for this checkout only.
    if (!file.isFile() || [".ts", ".json"].includes(extname(file.name)) || file.name === "tuneloop.js") continue;
    const from = join(file.parentPath, file.name);
    const to = join(dist, from.slice(root.length));
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
  }
}

const { code } = await bundleWorkflowCode({ workflowsPath: join(dist, "workflows", "index.js") });
await writeFile(join(dist, "workflow-bundle.js"), code);
