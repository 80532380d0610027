import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** Path at which every runner answers for its process, as Ray Serve does; it tells that the event loop turns. */
export const HEALTH_PATH = "/-/healthz";

/** How often a process is asked, and how long it may take to answer, in milliseconds. */
export interface HealthCheck {
  periodMs: number;
  timeoutMs: number;
}

/** Resolves to null when the process on this loopback port answers in time, else to what is wrong. */
export async function askHealth(port: number, timeoutMs: number): Promise<string | null> {
  return await new Promise((done) => {
    const request = get({ host: "127.0.0.1", port, path: HEALTH_PATH, agent: false }, (answer) => {
      answer.resume();
      done(answer.statusCode === 200 ? null : `its health check was answered with status ${answer.statusCode}`);
    });
    const timer = setTimeout(() => {
      request.destroy();
      done(`it did not answer its health check within ${timeoutMs} ms`);
    }, timeoutMs);
    request.once("error", (error) => done(`it did not take its health check: ${error.message}`));
    request.once("close", () => clearTimeout(timer));
  });
}

/** Asks again and again until the process is not well, which it then tells, or `signal` aborts. */
export async function watchHealth(
  port: number,
  { periodMs, timeoutMs }: HealthCheck,
  signal: AbortSignal,
  sick: (reason: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    await delay(periodMs, undefined, { signal, ref: false }).catch(() => undefined);
    const problem = signal.aborted ? null : await askHealth(port, timeoutMs);
    if (problem === null || signal.aborted) continue;
    sick(problem);
    return;
  }
}
