/** `tuneloop dev` as a process of its own, seen from outside: its lines, its children, its end. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readRunningStack, type RunningStack } from "../../src/dev/stack-file.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { cleanEnvironment } from "./stack.ts";

const CHECKOUT = join(import.meta.dirname, "..", "..", "src", "cli", "tuneloop.js");

/** A running, or ended, `tuneloop dev`. */
export interface DevProcess {
  child: ChildProcess;
  /** What it has printed so far, standard error too. */
  lines: string[];
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  /** Resolves when everything runs; throws, with its lines, when it ends before. */
  running(): Promise<RunningStack>;
}

/** Starts `tuneloop dev` on free ports; `launcher` is the command's file, by default the checkout's. */
export function spawnDev(stateDirectory: string, launcher: string = CHECKOUT): DevProcess {
  const ports = ["temporal", "ui", "s3", "emulator"].flatMap((name) => [`--${name}-port`, "0"]);
  const child = spawn(process.execPath, [launcher, "dev", "--state", stateDirectory, ...ports], {
    env: cleanEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", (line) => lines.push(line));
  const ended = once(child, "close").then(([code, signal]: (number | string)[]) => signal ?? code ?? "unknown");
  return {
    child,
    lines,
    ended,
    running: () =>
      waitFor(
        () => {
          const stack = readRunningStack(stateDirectory);
          if (stack?.process.pid === child.pid && stack !== null) return stack;
          throw new Error(`tuneloop dev is not up:\n${lines.join("\n")}`);
        },
        { timeoutMs: 90_000 },
      ),
  };
}
