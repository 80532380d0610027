import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Service } from "../../src/anyscale/services-wire.ts";
import {
  aDeployment,
  aDirectory,
  anApplication,
  cleanUp,
  type EmulatorHandle,
  query,
  service,
  spawnEmulator,
} from "../support/emulator.ts";
import { hasPython } from "../support/python.ts";

let state: string;
let application: string;
beforeEach(() => {
  state = aDirectory();
  application = anApplication();
});
afterEach(async () => {
  await cleanUp(state);
  rmSync(application, { recursive: true });
});

const PYTHON = `import os
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"pid": %d}' % os.getpid()})
`;

const running = (now: Service) => now.current_state === "RUNNING";
const pidOf = async (now: Service, path = "/", label = "primary") => (await query(now, path, { label })).json["pid"];

async function deploy(emulator: EmulatorHandle, version: string, overrides: object = {}): Promise<Service> {
  const own = { importPath: "app.mjs:handler", args: { version } };
  return await emulator.client.services.deploy(
    aDeployment({ version, application: own, workingDirectory: application, autoCompleteRollout: true, ...overrides }),
  );
}

describe("startEmulator after a kill -9, with services", () => {
  it("goes on with an automatic rollout from the weights it had", async () => {
    const first = await spawnEmulator(state);
    await deploy(first, "v1");
    await service(first, running);
    await deploy(first, "v2");
    const before = await service(first, (now) => (now.canary_version?.weight ?? 0) > 0);
    const pid = await pidOf(before, "/", "v2");
    await first.kill();
    const second = await spawnEmulator(state);
    const found = await service(second, () => true);
    expect(found.canary_version?.weight).toBeGreaterThanOrEqual(before.canary_version?.weight ?? 100);
    const after = await service(second, (now) => running(now) && now.primary_version?.version === "v2");
    expect(await pidOf(after)).toBe(pid);
    await second.kill();
  });

  it("completes an update in place that had just begun, and serves what was there until then", async () => {
    const first = await spawnEmulator(state);
    await deploy(first, "v1");
    const pid = await pidOf(await service(first, running));
    expect((await deploy(first, "v2", { inPlace: true })).current_state).toBe("UPDATING");
    await first.kill();
    const second = await spawnEmulator(state);
    const answered = await pidOf(await service(second, () => true));
    // Looked at after the answer: it may have been complete by then.
    if (!running(await service(second, () => true))) expect(answered).toBe(pid);
    const after = await service(second, (now) => running(now) && now.primary_version?.version === "v2");
    expect((await query(after)).json["version"]).toBe("v2");
    await second.kill();
  });

  it("completes a rollback that waited for a request in flight", async () => {
    const slow = `export const handler = () => async () => { await new Promise(() => {}); };`;
    const stuck = aDirectory({ "app.mjs": slow });
    const first = await spawnEmulator(state);
    await deploy(first, "v1");
    await service(first, running);
    await deploy(first, "v2", { canaryPercent: 0, workingDirectory: stuck });
    const canary = await service(first, (now) => now.canary_version?.current_state === "RUNNING");
    const hanging = query(canary, "/", { label: "canary" }).catch(() => null);
    const back = await first.client.services.rollback(canary.id);
    expect(back.current_state).toBe("ROLLING_BACK");
    await first.kill();
    await hanging;
    const second = await spawnEmulator(state);
    expect((await service(second, running)).canary_version).toBeNull();
    await second.kill();
    rmSync(stuck, { recursive: true });
  });

  it.skipIf(!hasPython)("adopts every process of versions with several applications, Python ones too", async () => {
    const both = aDirectory({
      "main.py": PYTHON,
      "app.mjs": "export const handler = () => () => Response.json({ pid: process.pid });",
    });
    const applications = [
      { name: "python", routePrefix: "/python", importPath: "main:app" },
      { name: "node", routePrefix: "/", importPath: "app.mjs:handler" },
    ];
    const first = await spawnEmulator(state);
    const versions = ["a", "b"].map((version) => ({
      version,
      trafficPercent: 50,
      applications,
      workingDirectory: both,
    }));
    await first.client.services.deployVersions({ name: "svc", versions });
    const before = await service(first, running);
    const token = (await first.client.services.addToken(before.id)).secondary_auth_token;
    const pids = async (now: Service) =>
      await Promise.all(
        ["a", "b"].flatMap((label) => ["/python", "/"].map(async (path) => await pidOf(now, path, label))),
      );
    const pidsBefore = await pids(before);
    expect(new Set(pidsBefore).size).toBe(4);
    await first.kill();
    const second = await spawnEmulator(state);
    const after = await service(second, running);
    expect(await pids(after)).toEqual(pidsBefore);
    expect((await query(after, "/", { token })).status).toBe(200);
    process.kill(Number(pidsBefore[0]), "SIGKILL");
    await service(second, (now) => now.current_state === "UNHEALTHY");
    const again = await pids(await service(second, running));
    expect(again.slice(1)).toEqual(pidsBefore.slice(1));
    expect(again[0]).not.toBe(pidsBefore[0]);
    await second.kill();
    rmSync(both, { recursive: true });
  });
});
