import { rmSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Service } from "../../src/anyscale/services-wire.ts";
import { aDeployment, anApplication, query, service, startTestEmulator } from "../support/emulator.ts";
import { callApi } from "../support/emulator-api.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let application: string;
let name: string;
let count = 0;

beforeAll(async () => {
  emulator = await startTestEmulator({ rolloutMs: 100 });
  application = anApplication();
});
beforeEach(async () => {
  name = `svc-${count++}`;
  await callApi(emulator.url, "DELETE", "/emulator/faults");
});
afterAll(async () => {
  await emulator.stop();
  rmSync(application, { recursive: true });
});

async function deploy(version: string, canaryPercent: number | null = null): Promise<Service> {
  const own = { importPath: "app.mjs:handler", args: { version } };
  return await emulator.client.services.deploy(
    aDeployment({
      name,
      version,
      application: own,
      workingDirectory: application,
      canaryPercent,
      autoCompleteRollout: true,
    }),
  );
}

const seen = async (wanted: (service: Service) => boolean) => await service(emulator, wanted, name);
const running = (now: Service) => now.current_state === "RUNNING";

describe("faults of services", () => {
  it("makes a version UNHEALTHY once, and an automatic rollout of it goes back", async () => {
    await deploy("v1");
    await seen(running);
    await emulator.fault({ match: { name, version: "v2" }, effect: { kind: "service-unhealthy" } });
    await deploy("v2");
    const back = await seen((now) => running(now) && now.canary_version === null);
    expect(back.primary_version?.version).toBe("v1");
    expect(back.error_message).toContain("unhealthy because a fault was ordered");
    await deploy("v2");
    await seen((now) => running(now) && now.primary_version?.version === "v2");
  });

  it("shows a service in a state that is not its own, as often as ordered, and goes on with it", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", 50);
    await seen((now) => now.canary_version?.weight === 50);
    await emulator.fault({ match: { name }, times: 2, effect: { kind: "service-state", state: "SOMETHING_NEW" } });
    const states: unknown[] = [];
    for (let look = 0; look < 3; look++) {
      const now = await emulator.client.services.find(name);
      const { primary_version: primary, canary_version: canary } = now ?? {};
      states.push([now?.current_state, primary?.current_state, canary?.current_state, canary?.weight]);
    }
    const odd = ["SOMETHING_NEW", "RUNNING", "SOMETHING_NEW", 50];
    expect(states).toEqual([odd, odd, ["ROLLING_OUT", "RUNNING", "RUNNING", 50]]);
  });

  it("keeps a version in STARTING, without requests, until it is rolled back", async () => {
    await deploy("v1");
    await seen(running);
    await emulator.fault({ match: { name }, effect: { kind: "service-never-ready" } });
    await deploy("v2", 50);
    const stuck = await seen((now) => now.canary_version !== null);
    expect(stuck.canary_version).toMatchObject({ current_state: "STARTING", weight: 0 });
    expect((await query(stuck, "/", { label: "canary" })).status).toBe(503);
    await emulator.client.services.rollback(stuck.id);
    expect((await seen(running)).primary_version?.version).toBe("v1");
  });

  it("holds the weights of one apply where they are, until the next one or a rollback", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", 10);
    await seen((now) => now.canary_version?.weight === 10);
    await emulator.fault({ match: { name }, effect: { kind: "service-stuck" } });
    const stuck = await deploy("v2", 50);
    expect([stuck.current_state, stuck.canary_version?.weight]).toEqual(["ROLLING_OUT", 10]);
    expect((await deploy("v2", 60)).canary_version?.weight).toBe(60);
    await emulator.fault({ match: { name }, effect: { kind: "service-stuck" } });
    await deploy("v2", 100);
    await emulator.client.services.rollback(stuck.id);
    expect((await seen(running)).primary_version).toMatchObject({ version: "v1", weight: 100 });
  });

  it("lets a version degrade once it has all requests: errors, then slowness", async () => {
    await deploy("v1");
    await seen(running);
    await emulator.fault({
      match: { name, version: "v2", minWeight: 100 },
      times: 3,
      effect: { kind: "service-degrade", status: 500 },
    });
    await emulator.fault({
      match: { name, version: "v2", minWeight: 100 },
      effect: { kind: "service-degrade", delayMs: 200 },
    });
    await deploy("v2", 50);
    const half = await seen((now) => now.canary_version?.weight === 50);
    for (const label of ["v2", "v2", "v1"]) expect((await query(half, "/", { label })).status).toBe(200);
    await deploy("v2", 100);
    const whole = await seen((now) => now.primary_version?.version === "v2");
    for (let i = 0; i < 3; i++) expect((await query(whole)).status).toBe(500);
    const from = Date.now();
    expect((await query(whole)).json["version"]).toBe("v2");
    expect(Date.now() - from).toBeGreaterThanOrEqual(199);
    const usual = await query(whole);
    expect([usual.status, whole.current_state]).toEqual([200, "RUNNING"]);
  });

  it("hits a part of the queries when told a ratio", async () => {
    await deploy("v1");
    const up = await seen(running);
    await emulator.fault({
      match: { name },
      times: 1000,
      effect: { kind: "service-degrade", status: 503, ratio: 0.5 },
    });
    let hits = 0;
    for (let i = 0; i < 100; i++) if ((await query(up)).status === 503) hits++;
    // 100 fair draws: outside of 25..75 with a chance below 1e-6.
    expect(hits).toBeGreaterThan(25);
    expect(hits).toBeLessThan(75);
  });

  it("fails a rollback as often as told, and then does it", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", 10);
    const { id } = await seen((now) => now.canary_version?.weight === 10);
    await emulator.fault({ match: { path: "/rollback$", name }, times: 2, effect: { kind: "status", status: 500 } });
    for (let i = 0; i < 2; i++) {
      await expect(emulator.client.services.rollback(id)).rejects.toMatchObject({ status: 500 });
    }
    expect((await seen(() => true)).canary_version?.weight).toBe(10);
    await emulator.client.services.rollback(id);
    await seen(running);
  });

  it("refuses a degradation that does nothing", async () => {
    const order = { effect: { kind: "service-degrade" } };
    expect((await callApi(emulator.url, "POST", "/emulator/faults", order)).status).toBe(422);
  });
});
