import { rmSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ServiceDeployment } from "../../src/anyscale/service-deployment.ts";
import type { Service } from "../../src/anyscale/services-wire.ts";
import type { Services } from "../../src/anyscale/services.ts";
import { anApplication, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let services: Services;
let workingDirectory: string;
let name: string;
let count = 0;

beforeAll(async () => {
  emulator = await startTestEmulator();
  ({ services } = emulator.client);
  workingDirectory = anApplication();
});
beforeEach(() => {
  name = `games-${count++}`;
});
afterAll(async () => {
  await emulator.stop();
  rmSync(workingDirectory, { recursive: true });
});

const POLLS = { pollMs: 20, timeoutMs: 20_000 };

async function deploy(version: string, more: Partial<ServiceDeployment> = {}): Promise<Service> {
  const application = { importPath: "app.mjs:handler", args: { version } };
  return await services.deploy({ name, version, application, workingDirectory, ...more });
}

/** The service with this version alone. */
async function serving(version: string): Promise<Service> {
  await deploy(version);
  return await services.wait(name, { version, ...POLLS });
}

async function served(service: Service, pin?: string): Promise<string> {
  const answer = await services.query(service, "/", { pin });
  return answer.ok ? ((await answer.json()) as { version: string }).version : `HTTP ${answer.status}`;
}

const weights = ({ primary_version: primary, canary_version: canary }: Service) => [primary?.weight, canary?.weight];

async function calls(path: RegExp): Promise<number> {
  return (await emulator.ledger()).filter((entry) => path.test(entry.path)).length;
}

describe("Services", () => {
  it("deploys, waits for the version and queries it", async () => {
    const up = await serving("v1");
    expect(up).toMatchObject({ current_state: "RUNNING", primary_version: { version: "v1", weight: 100 } });
    expect(await served(up)).toBe("v1");
    expect(await services.get(up.id)).toEqual(up);
    expect((await services.query({ ...up, auth_token: "wrong" }, "/")).status).toBe(401);
  });

  it("brings a canary up without requests, moves its share alone, pins queries, and completes", async () => {
    await serving("v1");
    await deploy("v2", { canaryPercent: 0 });
    const silent = await services.wait(name, { version: "v2", weightPercent: 0, ...POLLS });
    expect(weights(silent)).toEqual([100, 0]);
    expect([await served(silent), await served(silent, "canary"), await served(silent, "v2")]).toEqual([
      "v1",
      "v2",
      "v2",
    ]);

    await services.setWeights(name, { v1: 60, v2: 40 });
    const shared = await services.wait(name, { version: "v2", weightPercent: 40, ...POLLS });
    expect([weights(shared), shared.canary_version?.id]).toEqual([[60, 40], silent.canary_version?.id]);
    expect(await served(shared, "primary")).toBe("v1");

    await services.setWeights(name, { v2: 100 }, { autoCompleteRollout: false });
    const held = await services.wait(name, { version: "v2", weightPercent: 100, ...POLLS });
    expect(weights(held)).toEqual([0, 100]);
    await services.setWeights(name, { v2: 100 });
    const done = await services.wait(name, POLLS);
    expect([done.primary_version?.version, done.canary_version]).toEqual(["v2", null]);
  });

  it("goes through an automatic rollout while it waits for the version to have all requests", async () => {
    await serving("v1");
    await deploy("v2");
    const done = await services.wait(name, { version: "v2", weightPercent: 100, ...POLLS });
    expect(await served(done)).toBe("v2");
  });

  it("rolls back, and a wait for the version that went away ends at once", async () => {
    await serving("v1");
    await deploy("v2", { canaryPercent: 30 });
    const shared = await services.wait(name, { version: "v2", weightPercent: 30, ...POLLS });
    await services.rollback(shared.id, { maxSurgePercent: 50 });
    const back = services.wait(name, { version: "v2", weightPercent: 60, ...POLLS });
    await expect(back).rejects.toMatchObject({
      kind: "failed",
      message: expect.stringMatching(/rolled back|TERMINATING|has v1/),
    });
    expect(weights(await services.wait(name, POLLS))).toEqual([100, undefined]);
    await expect(services.rollback(shared.id)).rejects.toMatchObject({ kind: "invalid", status: 400 });
  });

  it("updates in place: other code, the same URL and token", async () => {
    const before = await serving("v1");
    await deploy("v2", { inPlace: true });
    const after = await services.wait(name, { version: "v2", ...POLLS });
    expect([after.base_url, after.auth_token]).toEqual([before.base_url, before.auth_token]);
    expect([await served(after), after.canary_version]).toEqual(["v2", null]);
  });

  it("serves several versions, moves their shares and brings a past one back", async () => {
    const version = (of: string, trafficPercent: number) => ({
      version: of,
      trafficPercent,
      application: { importPath: "app.mjs:handler", args: { version: of } },
      workingDirectory,
    });
    await services.deployVersions({ name, versions: [version("a", 40), version("b", 60)] });
    for (const [of, weightPercent] of [["a", 40] as const, ["b", 60] as const])
      await services.wait(name, { version: of, weightPercent, ...POLLS });
    await services.setWeights(name, { a: 90, b: 10 });
    const moved = await services.wait(name, { version: "a", weightPercent: 90, ...POLLS });
    expect([await served(moved, "a"), await served(moved, "b")]).toEqual(["a", "b"]);
    await services.deployVersions({ name, versions: [{ version: "a", trafficPercent: 100 }] });
    await services.wait(name, { version: "a", weightPercent: 100, ...POLLS });
    await services.deployVersions({
      name,
      versions: [
        { version: "a", trafficPercent: 50 },
        { version: "b", trafficPercent: 50 },
      ],
    });
    const again = await services.wait(name, { version: "b", weightPercent: 50, ...POLLS });
    expect(await served(again, "b")).toBe("b");
  });

  it("rotates tokens without a moment in which none is valid", async () => {
    const { id, auth_token: first } = await serving("v1");
    const both = await services.addToken(id);
    expect([both.auth_token, both.secondary_auth_token]).toEqual([first, expect.any(String)]);
    for (const token of [first, both.secondary_auth_token])
      expect(await served({ ...both, auth_token: token ?? null })).toBe("v1");
    const rotated = await services.deleteToken(id, { token: first ?? "" });
    expect([rotated.auth_token, rotated.secondary_auth_token]).toEqual([both.secondary_auth_token, null]);
    expect([await served(rotated), await served(both)]).toEqual(["v1", "HTTP 401"]);
    await services.addToken(id);
    const left = await services.deleteToken(id);
    expect([left.auth_token, left.secondary_auth_token]).toEqual([rotated.auth_token, null]);
  });

  it("tags, terminates, archives and deletes", async () => {
    const { id } = await deploy("v1", { tags: { team: "ft" } });
    await services.wait(name, { version: "v1", ...POLLS });
    await services.tags.add(id, { stage: "test" });
    expect(await services.tags.list(id)).toEqual({ team: "ft", stage: "test" });
    await services.tags.remove(id, ["team"]);
    expect((await services.list({ tags: { stage: ["test"] } })).map((one) => one.id)).toEqual([id]);
    await services.terminate(id);
    await services.wait(name, { state: "TERMINATED", ...POLLS });
    await services.archive(id);
    expect(await services.find(name)).toBeNull();
    expect((await services.find(name, { archived: true }))?.id).toBe(id);
    await services.delete(id);
    await expect(services.get(id)).rejects.toMatchObject({ kind: "not-found" });
  });

  it("lists page by page by state, order and limit", async () => {
    const names = ["b", "a", "c"].map((letter) => `${name}-${letter}`);
    for (const one of names) await services.deploy({ name: one, application: { importPath: "app.mjs:handler" } });
    const before = await calls(/services-v2\/$/);
    const sorted = await services.list({ sortBy: "NAME", sortOrder: "ASC", pageSize: 1 });
    const ours = sorted.map((service) => service.name).filter((one) => names.includes(one));
    expect(ours).toEqual(names.toSorted());
    expect((await calls(/services-v2\/$/)) - before).toBe(sorted.length);
    expect(await services.list({ limit: 2 })).toHaveLength(2);
    expect(await services.list({ name, states: ["TERMINATED"] })).toEqual([]);
    await expect(services.list({ pageSize: 51 })).rejects.toMatchObject({ kind: "invalid" });
    expect(await services.list({ limit: 0 })).toEqual([]);
  });

  it("reads the controller's log of a version line by line", async () => {
    await serving("v1");
    const lines: string[] = [];
    for await (const line of services.controllerLogs(name)) lines.push(line);
    expect(lines.length).toBeGreaterThan(0);
    const canary = async () => {
      for await (const line of services.controllerLogs(name, { version: "canary" })) lines.push(line);
    };
    await expect(canary()).rejects.toMatchObject({ kind: "not-found", message: expect.stringContaining("it has v1") });
  });
});

describe("Services.wait", () => {
  it("makes one call per look", async () => {
    await serving("v1");
    const before = (await emulator.ledger()).length;
    await services.wait(name, POLLS);
    // Reading the ledger is not in it.
    expect((await emulator.ledger()).length - before).toBe(1);
  });

  it("survives 503, 429 with Retry-After, HTML and a cut connection in one wait", async () => {
    const before = await calls(/services-v2\/$/);
    await deploy("v1");
    for (const effect of [
      { kind: "status", status: 503 },
      { kind: "status", status: 429, retryAfterSeconds: 0.05 },
      { kind: "html" },
      { kind: "drop" },
    ])
      await emulator.fault({ match: { path: "services-v2/$", method: "GET" }, effect });
    expect((await services.wait(name, { version: "v1", ...POLLS })).current_state).toBe("RUNNING");
    // One look of the deploy, four that failed, and the last.
    expect((await calls(/services-v2\/$/)) - before).toBeGreaterThanOrEqual(6);
  });

  it("ends long before its time when the version is unhealthy for good", async () => {
    await serving("v1");
    await emulator.fault({ match: { name }, effect: { kind: "service-unhealthy" } });
    await deploy("v2", { canaryPercent: 10 });
    const wait = services.wait(name, { version: "v2", pollMs: 20, unhealthyMs: 100, timeoutMs: 600_000 });
    await expect(wait).rejects.toMatchObject({ kind: "failed", message: expect.stringContaining("v2 UNHEALTHY") });
    expect(await served((await services.find(name))!)).toBe("v1");
  });

  it("ends when an automatic rollout turned back", async () => {
    await serving("v1");
    await emulator.fault({ match: { name }, effect: { kind: "service-unhealthy" } });
    await deploy("v2");
    const wait = services.wait(name, { version: "v2", pollMs: 20, timeoutMs: 600_000 });
    await expect(wait).rejects.toMatchObject({ kind: "failed" });
  });

  it("ends when the service is terminated or was never there", async () => {
    const { id } = await serving("v1");
    await services.terminate(id);
    await expect(services.wait(name, POLLS)).rejects.toMatchObject({ kind: "failed" });
    await expect(services.wait("nobody", POLLS)).rejects.toMatchObject({ kind: "not-found" });
  });

  it("says where a rollout that is stuck stands when the time is up", async () => {
    await serving("v1");
    await emulator.fault({ match: { name }, effect: { kind: "service-stuck" } });
    await deploy("v2", { canaryPercent: 50 });
    await services.wait(name, { version: "v2", ...POLLS });
    const wait = services.wait(name, { version: "v2", weightPercent: 50, pollMs: 20, timeoutMs: 200 });
    await expect(wait).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("v2 RUNNING at 0 %"),
    });
  });
});
