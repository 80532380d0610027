import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { superviseChild, type Child, type Supervision } from "../../src/dev/child.ts";
import type { ServerSpec } from "../../src/dev/launch.ts";
import { isRunning, identify } from "../../src/emulator/processes.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { startWatchdog, type Watchdog } from "../../src/dev/watchdog-link.ts";

let directory: string;
let watchdog: Watchdog;
let reports: string[];
let gaveUp: PromiseWithResolvers<Error>;
let children: Child[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-child-"));
  watchdog = startWatchdog(directory, null);
  reports = [];
  gaveUp = Promise.withResolvers();
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await watchdog.dismiss();
  await rm(directory, { recursive: true });
});

/** A Node program as a server that is ready when it has printed "ready". */
function server(script: string, graceMs = 5_000): ServerSpec {
  return {
    name: "server",
    command: process.execPath,
    args: ["-e", script],
    environment: process.env,
    logFile: join(directory, "server.log"),
    graceMs,
    async ready(signal, output) {
      await waitFor(
        () => {
          if (!output().includes("ready")) throw new Error("not ready");
        },
        { timeoutMs: 20_000, signal },
      );
    },
  };
}

function supervision(cancel = new AbortController().signal): Supervision {
  return { report: (line) => reports.push(line), watchdog, cancel, gaveUp: gaveUp.resolve };
}

async function start(spec: ServerSpec): Promise<Child> {
  const child = await superviseChild(spec, supervision());
  children.push(child);
  return child;
}

function pidOf(child: Child): number {
  const pid = child.pid();
  if (pid === null) throw new Error("it is not running");
  return pid;
}

const STAY = "console.log('ready'); setInterval(() => {}, 1000);";

describe("superviseChild", () => {
  it("starts a server that was killed again, and says so", async () => {
    const child = await start(server(STAY));
    const first = pidOf(child);
    process.kill(first, "SIGKILL");
    await waitFor(() => expect(reports).toEqual(["server died (SIGKILL), starting it again", "server is back"]), {
      timeoutMs: 20_000,
    });
    expect(identify(first)).toBeNull();
    expect(identify(pidOf(child))).not.toBeNull();
  });

  it("fails with the end of the log when a server does not start", async () => {
    const spec = server("console.log('port is taken'); process.exit(3);");
    await expect(start(spec)).rejects.toThrow(
      /^server did not start: it ended at once \(exit code 3\)\n {2}last lines of .*server\.log:\n {4}port is taken$/,
    );
  });

  it("fails when there is no such program", async () => {
    const spec = { ...server(STAY), command: join(directory, "nothing") };
    await expect(start(spec)).rejects.toThrow(/^server did not start: it ended at once \(spawn .*nothing ENOENT\)/);
  });

  it("ends a server that is not ready when the start is given up", async () => {
    const controller = new AbortController();
    const file = join(directory, "pid");
    const spec = server(
      `require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000);`,
    );
    const started = superviseChild(spec, supervision(controller.signal));
    const pid = Number(
      await waitFor(() => readFileSync(file, "utf8") || Promise.reject(new Error("empty")), { timeoutMs: 20_000 }),
    );
    controller.abort(new Error("given up"));
    await expect(started).rejects.toThrow("given up");
    expect(identify(pid)).toBeNull();
  });

  it("gives up a server that dies again and again", async () => {
    const broken = join(directory, "broken");
    const child = await start(
      server(
        `if (require('fs').existsSync(${JSON.stringify(broken)})) { console.log('database is damaged'); process.exit(1); } ${STAY}`,
      ),
    );
    writeFileSync(broken, "");
    process.kill(pidOf(child), "SIGKILL");
    const error = await gaveUp.promise;
    expect(error.message).toMatch(/^server died 6 times in a row, giving up\n[^]*database is damaged/);
    expect(child.pid()).toBeNull();
  }, 30_000);

  it("kills a server that does not end when asked, and all of its group", async () => {
    const grandchild = join(directory, "grandchild");
    const child = await start(
      server(
        `process.on('SIGTERM', () => {});
         const other = require('child_process').spawn('sleep', ['600']);
         require('fs').writeFileSync(${JSON.stringify(grandchild)}, String(other.pid)); ${STAY}`,
        200,
      ),
    );
    const processes = [identify(pidOf(child)), identify(Number(readFileSync(grandchild, "utf8")))];
    await child.stop();
    await waitFor(() => expect(processes.map((one) => one !== null && isRunning(one))).toEqual([false, false]), {
      timeoutMs: 5_000,
    });
    expect(reports).toEqual([]);
  });
});
