import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Application } from "../anyscale/services-wire.ts";
import type { HealthCheck } from "./health.ts";
import { placeOf } from "./service-requests.ts";

/** This module's own extension: `.ts` in a checkout, `.js` in a package. */
const NODE_RUNNER = fileURLToPath(new URL(`./node-runner${extname(import.meta.url)}`, import.meta.url));
const PYTHON_RUNNER = fileURLToPath(new URL("./python-runner.py", import.meta.url));

const NODE_TARGET = /^(?!.*\.\.)([\w][\w./-]*\.m?js):([A-Za-z_$][\w$]*)$/;
const PYTHON_TARGET = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/** Ray Serve's own defaults. */
const HEALTH_CHECK: HealthCheck = { periodMs: 10_000, timeoutMs: 30_000 };

/** What a runner is told on descriptor 3: where the application is, its arguments, and the path below which it is served. */
export interface RunnerOrder {
  /** `file.mjs:handler` or `module:attribute`, relative to the working directory. */
  target: string;
  args: Record<string, unknown>;
  /** Empty for the root. */
  rootPath: string;
}

/** How the process of an application is started. */
export interface Plan {
  language: "node" | "python";
  runner: string;
  order: RunnerOrder;
}

/** Finds out by the import path what runs an application; `problem` when nothing here does. */
export function planOf(application: Application): Plan | { problem: string } {
  const { import_path: target, args = {} } = application;
  const { prefix } = placeOf(application);
  const order = { target, args, rootPath: prefix === "/" ? "" : prefix };
  if (NODE_TARGET.test(target)) return { language: "node", runner: NODE_RUNNER, order };
  if (PYTHON_TARGET.test(target)) return { language: "python", runner: PYTHON_RUNNER, order };
  return { problem: `import_path "${target}" is neither module:attribute (Python) nor file.mjs:handler (Node)` };
}

/** The health check of an application: the strictest one that its `deployments` ask for, else Ray Serve's default. */
export function healthCheckOf(application: Application): HealthCheck {
  const wanted = (field: string): number[] => {
    const deployments = Array.isArray(application["deployments"]) ? application["deployments"] : [];
    return deployments.flatMap((deployment: Record<string, unknown>) => {
      const seconds = deployment[field];
      return typeof seconds === "number" && seconds > 0 ? [seconds * 1000] : [];
    });
  };
  return {
    periodMs: Math.min(...wanted("health_check_period_s"), HEALTH_CHECK.periodMs),
    timeoutMs: Math.min(...wanted("health_check_timeout_s"), HEALTH_CHECK.timeoutMs),
  };
}
