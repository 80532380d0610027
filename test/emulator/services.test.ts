import { rmSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ServiceDeployment } from "../../src/anyscale/service-deployment.ts";
import type { Service } from "../../src/anyscale/services-wire.ts";
import {
  aDeployment,
  aDirectory,
  anApplication,
  query,
  service,
  startTestEmulator,
  until,
} from "../support/emulator.ts";
import { callApi } from "../support/emulator-api.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let application: string;
let name: string;
let count = 0;

beforeAll(async () => {
  emulator = await startTestEmulator({ rolloutMs: 200 });
  application = anApplication();
});
beforeEach(() => {
  name = `svc-${count++}`;
});
afterAll(async () => {
  await emulator.stop();
  rmSync(application, { recursive: true });
});

async function deploy(version: string, overrides: Partial<ServiceDeployment> = {}): Promise<Service> {
  const args = { importPath: "app.mjs:handler", args: { version } };
  return await emulator.client.services.deploy(
    aDeployment({ name, version, application: args, workingDirectory: application, ...overrides }),
  );
}

const seen = async (wanted: (service: Service) => boolean) => await service(emulator, wanted, name);
const running = (seen: Service) => seen.current_state === "RUNNING";
const canaryRuns = (seen: Service) => seen.canary_version?.current_state === "RUNNING";
const weights = (seen: Service) => [seen.primary_version?.weight, seen.canary_version?.weight];

async function served(target: Service, requests: number, label?: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < requests; i++) {
    const { status, json } = await query(target, "/", label === undefined ? {} : { label });
    const key = status === 200 ? String(json["version"]) : `HTTP ${status}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe("Services", () => {
  it("brings a first version up as primary with all traffic, behind a token that the application never sees", async () => {
    const first = await deploy("v1", { canaryPercent: 10 });
    expect(first).toMatchObject({ current_state: "STARTING", canary_version: null });
    const up = await seen(running);
    expect(weights(up)).toEqual([100, undefined]);
    expect((await query(up, "/v1/x?y=1")).json).toMatchObject({
      version: "v1",
      pathname: "/v1/x",
      authorization: null,
    });
    expect((await query(up, "/", { token: null })).status).toBe(401);
    expect((await query(up, "/", { token: "wrong" })).status).toBe(401);
    expect((await query(up, "/", { token: null, label: "primary" })).status).toBe(401);
  });

  it("starts a canary without traffic, reaches it by label, and moves weights on a re-apply alone", async () => {
    await deploy("v1");
    const before = await seen(running);
    await deploy("v2", { canaryPercent: 0 });
    const canary = await seen(canaryRuns);
    expect(weights(canary)).toEqual([100, 0]);
    expect(await served(canary, 20)).toEqual({ v1: 20 });
    expect(await served(canary, 2, "canary")).toEqual({ v2: 2 });
    expect(await served(canary, 2, "V2")).toEqual({ v2: 2 });
    expect(await served(canary, 2, "primary")).toEqual({ v1: 2 });
    expect(await served(canary, 2, "v3")).toEqual({ "HTTP 404": 2 });

    const half = await deploy("v2", { canaryPercent: 50 });
    expect(weights(half)).toEqual([50, 50]);
    expect(half.canary_version?.id).toBe(canary.canary_version?.id);
    const pid = async () => (await query(half, "/", { label: "canary" })).json["pid"];
    expect(await pid()).toBe(await pid());
    const counts = await served(half, 200);
    // 200 fair draws: outside of 60..140 with a chance below 1e-8.
    expect(counts["v2"]).toBeGreaterThan(60);
    expect(counts["v2"]).toBeLessThan(140);
    expect([half.base_url, half.auth_token]).toEqual([before.base_url, before.auth_token]);
  });

  it("holds both versions at 100 until the rollout is completed, then ends the old one", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", { canaryPercent: 100, autoCompleteRollout: false });
    const held = await seen((now) => now.canary_version?.weight === 100);
    expect(await served(held, 10)).toEqual({ v2: 10 });
    expect(await served(held, 2, "v1")).toEqual({ v1: 2 });
    const oldPid = Number((await query(held, "/", { label: "v1" })).json["pid"]);

    const complete = await deploy("v2", { canaryPercent: 100, autoCompleteRollout: true });
    expect(complete).toMatchObject({ current_state: "RUNNING", canary_version: null });
    expect(complete.primary_version).toMatchObject({ version: "v2", weight: 100 });
    expect(await served(complete, 10)).toEqual({ v2: 10 });
    await until("the end of v1", () => !alive(oldPid));
  });

  it("fails no request of a caller in a loop: promoted, rolled back, rolled out by itself, updated in place", async () => {
    await deploy("v1");
    const up = await seen(running);
    const done = new AbortController();
    const load = (async () => {
      const counts: Record<string, number> = {};
      while (!done.signal.aborted)
        for (const [key, n] of Object.entries(await served(up, 5))) counts[key] = (counts[key] ?? 0) + n;
      return counts;
    })();
    const primaryIs = async (version: string) =>
      await seen((now) => running(now) && now.canary_version === null && now.primary_version?.version === version);
    await deploy("v2", { canaryPercent: 100, autoCompleteRollout: true });
    await primaryIs("v2");
    await deploy("v3", { canaryPercent: 50 });
    await seen((now) => now.canary_version?.weight === 50);
    await served(up, 20);
    await emulator.client.services.rollback(up.id);
    await primaryIs("v2");
    await deploy("v4", { autoCompleteRollout: true });
    await primaryIs("v4");
    await deploy("v5", { inPlace: true });
    await primaryIs("v5");
    await served(up, 20);
    done.abort();
    expect(Object.keys(await load).sort()).toEqual(["v1", "v2", "v3", "v4", "v5"]);
  });

  it("moves weights in steps by itself without a percent, always 100 together", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", { autoCompleteRollout: true });
    const shares = new Set<number>();
    await seen((now) => {
      const [primary = 0, canary = 0] = weights(now);
      expect(primary + canary).toBe(100);
      shares.add(canary);
      return running(now) && now.primary_version?.version === "v2";
    });
    expect([...shares].filter((share) => share > 0 && share < 100).length).toBeGreaterThanOrEqual(2);
  });

  it("rolls back by itself when the new version of such a rollout cannot start, and says why", async () => {
    await deploy("v1");
    await seen(running);
    const bad = { importPath: "app.mjs:handler", args: { throws: "no model" } };
    await deploy("v2", { autoCompleteRollout: true, application: bad });
    const back = await seen((now) => running(now) && now.canary_version === null);
    expect(back.primary_version).toMatchObject({ version: "v1", weight: 100 });
    expect(back.error_message).toContain("v2 is unhealthy: no model");
  });

  it("updates in place: same version, same weight, another application", async () => {
    await deploy("v1");
    const before = await seen(running);
    const updating = await deploy("v2", { inPlace: true });
    expect(updating.current_state).toBe("UPDATING");
    expect(await served(updating, 5)).toEqual({ v1: 5 });
    const after = await seen(running);
    expect(await served(after, 5)).toEqual({ v2: 5 });
    expect(after.primary_version).toMatchObject({ id: before.primary_version?.id, version: "v2", weight: 100 });
    expect(await emulator.client.services.versions(after.id)).toHaveLength(1);
  });

  it("keeps serving what it has when an update in place cannot start, says why, and takes the next one", async () => {
    await deploy("v1");
    await seen(running);
    const bad = { importPath: "app.mjs:handler", args: { throws: "no model" } };
    await deploy("v2", { inPlace: true, application: bad });
    const sick = await seen((now) => now.current_state === "UNHEALTHY");
    expect(sick.error_message).toContain("no model");
    expect(sick.primary_version).toMatchObject({ version: "v1", current_state: "UNHEALTHY" });
    expect(await served(sick, 5)).toEqual({ v1: 5 });
    await deploy("v3", { inPlace: true });
    expect(await served(await seen(running), 5)).toEqual({ v3: 5 });
  });

  it("refuses an update in place without a running service, during a rollout, and on another image", async () => {
    const { services } = emulator.client;
    await deploy("v1");
    const up = await seen(running);
    const body = {
      name,
      version: "v2",
      ray_serve_config: up.primary_version!.ray_serve_config,
      build_id: up.primary_version!.build_id,
      compute_config_id: up.primary_version!.compute_config_id,
      rollout_strategy: "IN_PLACE",
      project_id: up.project_id,
    };
    const apply = "/api/v2/services-v2/apply";
    const route = "/api/v2/builds/get_or_create_build_from_image_uri";
    expect((await callApi(emulator.url, "PUT", apply, { ...body, name: "none" })).error).toContain("there is no none");
    const other = (await callApi(emulator.url, "POST", route, { image_uri: "docker.io/a/b:1" })).result;
    await expect(services.apply({ ...body, build_id: String(other["id"]) })).rejects.toThrow(
      "build_id cannot change IN_PLACE",
    );
    await expect(services.apply({ ...body, canary_percent: 10 })).rejects.toThrow("leave them out IN_PLACE");
    await deploy("v2", { canaryPercent: 10 });
    await expect(services.apply(body)).rejects.toThrow("it cannot be updated in place");
  });

  it("gives a canary that cannot start no traffic and says why", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", {
      canaryPercent: 50,
      application: { importPath: "app.mjs:handler", args: { throws: "no model" } },
    });
    const sick = await seen((now) => now.canary_version?.current_state === "UNHEALTHY");
    expect(weights(sick)).toEqual([100, 0]);
    expect(sick.error_message).toContain("no model");
    expect(await served(sick, 10)).toEqual({ v1: 10 });
    expect(await served(sick, 1, "canary")).toEqual({ "HTTP 503": 1 });
  });

  it("rolls back to the primary version, and refuses without a rollout", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", { canaryPercent: 50 });
    const half = await seen((now) => now.canary_version?.weight === 50);
    const order = await emulator.client.services.rollback(half.id);
    expect(order.current_state).toBe("ROLLING_BACK");
    expect(weights(order)).toEqual([100, 0]);
    const back = await seen(running);
    expect(back.canary_version).toBeNull();
    expect(await served(back, 10)).toEqual({ v1: 10 });
    await expect(emulator.client.services.rollback(back.id)).rejects.toMatchObject({ kind: "invalid", status: 400 });
  });

  it("replaces a canary by another version, and refuses to apply the primary one during a rollout", async () => {
    await deploy("v1");
    await seen(running);
    await deploy("v2", { canaryPercent: 50 });
    await seen((now) => now.canary_version?.weight === 50);
    await deploy("v3", { canaryPercent: 20 });
    const third = await seen((now) => now.canary_version?.version === "v3" && now.canary_version.weight === 20);
    expect(await served(third, 1, "v2")).toEqual({ "HTTP 404": 1 });
    await expect(deploy("v1", { canaryPercent: 100 })).rejects.toMatchObject({ kind: "conflict" });
  });

  it("restarts a version that hangs: it takes connections and answers none", async () => {
    const healthy = { health_check_period_s: 0.1, health_check_timeout_s: 0.5 };
    const args = { version: "v1" };
    await deploy("v1", {
      application: { importPath: "app.mjs:handler", args, deployments: [{ name: "d", ...healthy }] },
    });
    const up = await seen(running);
    const pid = Number((await query(up)).json["pid"]);
    process.kill(pid, "SIGSTOP");
    const sick = await seen((now) => now.current_state === "UNHEALTHY");
    expect(sick.error_message).toContain("did not answer its health check within 500 ms");
    expect((await query(up)).status).toBe(503);
    expect(Number((await query(await seen(running))).json["pid"])).not.toBe(pid);
  });

  it("restarts a version whose process died", async () => {
    await deploy("v1");
    const up = await seen(running);
    const { pid } = (await query(up)).json;
    expect((await query(up, "/die")).status).toBe(502);
    const again = await until("a new process", async () => {
      const { status, json } = await query(up);
      return status === 200 && json["pid"] !== pid && json;
    });
    expect(again["version"]).toBe("v1");
    await seen(running);
  });

  it("streams a body both ways unchanged", async () => {
    await deploy("v1");
    const up = await seen(running);
    const body = "täst ".repeat(200_000);
    expect((await query(up, "/echo", { body })).text).toBe(body);
  });

  it("keeps a terminated service, with its URL and token when it is deployed again", async () => {
    await deploy("v1");
    const up = await seen(running);
    expect((await emulator.client.services.terminate(up.id)).current_state).toBe("TERMINATING");
    const gone = await seen((now) => now.current_state === "TERMINATED");
    expect(gone.primary_version).toMatchObject({ current_state: "TERMINATED", weight: 0 });
    expect((await query(up)).status).toBe(503);
    await deploy("v2");
    const back = await seen(running);
    expect([back.id, back.base_url, back.auth_token]).toEqual([up.id, up.base_url, up.auth_token]);
    expect(await served(back, 3)).toEqual({ v2: 3 });
  });

  it.each([
    ["app/main:app", 'import_path "app/main:app" is neither module:attribute (Python) nor file.mjs:handler (Node)'],
    ["lib/../../app.mjs:handler", "is neither"],
    ["app.mjs:missing", 'app.mjs has no exported function "missing"'],
    ["none.mjs:handler", "Cannot find module"],
  ])("is UNHEALTHY with the reason for the import path %s", async (importPath, reason) => {
    await deploy("v1", { application: { importPath, args: {} } });
    const sick = await seen((now) => now.current_state === "UNHEALTHY");
    expect(sick.error_message).toContain(reason);
  });

  it("is UNHEALTHY when a handler does not return a fetch handler", async () => {
    const directory = aDirectory({ "app.mjs": "export const handler = () => 7;" });
    await deploy("v1", { workingDirectory: directory });
    expect((await seen((now) => now.current_state === "UNHEALTHY")).error_message).toContain(
      "did not return a fetch handler",
    );
    rmSync(directory, { recursive: true });
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
