import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Service, ServiceApply } from "../../src/anyscale/services-wire.ts";
import { aDeployment, anApplication, query, service, startTestEmulator, until } from "../support/emulator.ts";
import { type ApiAnswer, callApi } from "../support/emulator-api.ts";

const BASE = "/api/v2/services-v2";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let application: string;
let name: string;
let count = 0;

beforeAll(async () => {
  emulator = await startTestEmulator({ rolloutMs: 0 });
  application = anApplication();
});
beforeEach(() => {
  name = `svc-${count++}`;
});
afterAll(async () => {
  await emulator.stop();
  rmSync(application, { recursive: true });
});

async function deploy(version: string, overrides: object = {}): Promise<Service> {
  const { client } = emulator;
  const own = { importPath: "app.mjs:handler", args: { version } };
  return await client.services.deploy(
    aDeployment({ name, version, application: own, workingDirectory: application, ...overrides }),
  );
}

const seen = async (wanted: (service: Service) => boolean) => await service(emulator, wanted, name);
const running = (now: Service) => now.current_state === "RUNNING";
const terminated = (now: Service) => now.current_state === "TERMINATED";

/** What a refusal says. */
function reasonOf({ error }: ApiAnswer): string {
  const { detail, message } = JSON.parse(error) as { detail: string; message?: string };
  return message ?? detail;
}

/** A body that applies, of a version that can run. */
function aBody(overrides: object = {}): ServiceApply {
  return {
    name,
    version: "v1",
    ray_serve_config: { applications: [{ import_path: "app.mjs:handler", args: { version: "v1" } }] },
    build_id: "bld_default0001",
    compute_config_id: "cpt_default0001",
    ...overrides,
  };
}

describe("PUT apply", () => {
  const two = (first: object, second: object) => ({
    ray_serve_config: {
      applications: [
        { import_path: "a:a", ...first },
        { import_path: "b:b", ...second },
      ],
    },
  });
  it.each([
    ["a percent above 100", { canary_percent: 101 }, 422, "canary_percent"],
    ["a surge below 0", { max_surge_percent: -1 }, 422, "max_surge_percent"],
    ["no application", { ray_serve_config: { applications: [] } }, 422, "applications"],
    ["an empty name", { name: "" }, 422, "name"],
    ["a strategy that is none", { rollout_strategy: "BLUE" }, 400, 'rollout_strategy "BLUE" is unknown'],
    ["several versions", { rollout_strategy: "MULTI_VERSION" }, 400, "belongs to apply_multi_version"],
    ["an image that is not known", { build_id: "bld_none" }, 404, "there is no build bld_none"],
    ["machines that are not known", { compute_config_id: "cpt_none" }, 404, "there is no compute config cpt_none"],
    ["equal prefixes", two({ name: "a" }, { name: "b" }), 400, '2 have the route_prefix "/"'],
    ["equal names", two({ route_prefix: "/a" }, { route_prefix: "/b" }), 400, '2 have the name "default"'],
    ["a prefix without a slash", two({ name: "a", route_prefix: "a" }, {}), 400, 'route_prefix "a" is no path'],
    ["a prefix that ends with one", two({ name: "a", route_prefix: "/a/" }, {}), 400, 'route_prefix "/a/" is no path'],
  ])("refuses %s and starts nothing", async (_what, overrides, status, text) => {
    const answer = await callApi(emulator.url, "PUT", `${BASE}/apply`, aBody(overrides));
    expect(answer.status).toBe(status);
    expect(reasonOf(answer)).toContain(text);
    expect((await callApi(emulator.url, "GET", `${BASE}/?name=${name}`)).results).toEqual([]);
  });

  it("takes the content for the version when it has no name, machines by what they are", async () => {
    const create = async () => {
      const config = { head_node_type: { name: "head-node", instance_type: "m5.large" } };
      return (
        await callApi(emulator.url, "POST", "/api/v2/compute_templates/", {
          config,
          anonymous: true,
          new_version: true,
        })
      ).result.id;
    };
    await deploy("v1");
    await seen(running);
    const { version: _none, ...unnamed } = aBody({ compute_config_id: await create(), canary_percent: 0 });
    await callApi(emulator.url, "PUT", `${BASE}/apply`, unnamed);
    const first = (await seen((now) => now.canary_version != null)).canary_version;
    await callApi(emulator.url, "PUT", `${BASE}/apply`, {
      ...unnamed,
      compute_config_id: await create(),
      canary_percent: 20,
    });
    const again = (await seen((now) => now.canary_version != null)).canary_version;
    expect(again?.id).toBe(first?.id);
    expect(again?.version).toMatch(/^v-[0-9a-f]{10}$/);
  });

  it("switches the token of queries off and on with the config", async () => {
    await deploy("v1");
    const up = await seen(running);
    const open = await deploy("v1", { queryAuthTokenEnabled: false });
    expect(open.auth_token).toBeNull();
    expect((await query(open)).status).toBe(200);
    expect((await deploy("v1")).auth_token).toBe(up.auth_token);
    expect((await query(up, "/", { token: null })).status).toBe(401);
  });
});

describe("several applications", () => {
  it("answers each below its prefix, in processes of their own, and 404 elsewhere", async () => {
    await deploy("v1", {
      application: undefined,
      applications: ["a", "b"].map((own) => ({
        name: own,
        routePrefix: `/${own}`,
        importPath: "app.mjs:handler",
        args: { version: own },
      })),
    });
    const up = await seen(running);
    const answers = await Promise.all(["/a", "/a/x", "/b?c", "/ab", "/"].map(async (path) => await query(up, path)));
    expect(answers.map(({ status, json }) => json["version"] ?? status)).toEqual(["a", "a", "b", 404, 404]);
    expect(answers[1]?.json["pathname"]).toBe("/a/x");
    expect(answers[0]?.json["pid"]).not.toBe(answers[2]?.json["pid"]);
    process.kill(Number(answers[2]?.json["pid"]), "SIGKILL");
    const sick = await seen((now) => now.current_state === "UNHEALTHY");
    expect(sick.error_message).toContain("b: the application ended");
    expect((await query(sick, "/a")).status).toBe(200);
    await seen(running);
  });
});

describe("apply_multi_version", () => {
  const versions = (shares: Record<string, number>) => ({
    name,
    versions: Object.entries(shares).map(([version, trafficPercent]) => ({
      version,
      trafficPercent,
      application: { importPath: "app.mjs:handler", args: { version } },
      workingDirectory: application,
    })),
  });
  const shares = (now: Service) =>
    Object.fromEntries(now.versions?.map(({ version, weight }) => [version, weight]) ?? []);
  const settled = async (wanted: Record<string, number>) =>
    await seen((now) => running(now) && JSON.stringify(shares(now)) === JSON.stringify(wanted));

  it("serves all versions by their shares and labels, moves shares, and ends what is to have none", async () => {
    const { services } = emulator.client;
    await services.deployVersions(versions({ a: 40, b: 60 }));
    const up = await settled({ a: 40, b: 60 });
    expect(up).toMatchObject({ is_multi_version: true, canary_version: null, primary_version: { version: "a" } });
    expect((await query(up, "/", { label: "B" })).json["version"]).toBe("b");
    const pid = (await query(up, "/", { label: "a" })).json["pid"];
    await services.deployVersions(versions({ a: 30, c: 70 }));
    const after = await settled({ a: 30, c: 70 });
    expect((await query(after, "/", { label: "a" })).json["pid"]).toBe(pid);
    expect((await query(after, "/", { label: "b" })).status).toBe(404);
    expect((await services.versions(up.id)).map(({ version }) => version)).toEqual(["a", "c", "b"]);
    const applies = (await emulator.ledger(name)).filter(({ path }) => path.endsWith("/apply_multi_version"));
    expect(applies.map(({ id, status }) => [id, status])).toEqual([
      [up.id, 200],
      [up.id, 200],
    ]);
    const order = {
      service_id: up.id,
      versions: [
        { name: "a", traffic_percent: 0 },
        { name: "c", traffic_percent: 100 },
      ],
    };
    expect((await callApi(emulator.url, "PUT", `${BASE}/${up.id}/update_weights`, order)).status).toBe(200);
    expect((await settled({ c: 100 })).primary_version?.version).toBe("c");
    await services.terminate(up.id);
    await seen(terminated);
  });

  it("takes up a service with one version, and goes back to one", async () => {
    await deploy("v1");
    await seen(running);
    await emulator.client.services.deployVersions(versions({ v1: 50, v2: 50 }));
    const both = await settled({ v1: 50, v2: 50 });
    await expect(deploy("v3")).rejects.toThrow("has several versions");
    const order = { service_id: both.id, versions: [{ name: "v2", traffic_percent: 100 }] };
    await callApi(emulator.url, "PUT", `${BASE}/${both.id}/update_weights`, order);
    await settled({ v2: 100 });
    await deploy("v3", { autoCompleteRollout: true });
    expect((await seen((now) => now.primary_version?.version === "v3")).is_multi_version).toBe(false);
  });

  it("leaves the shares where they are while a version cannot start", async () => {
    const { services } = emulator.client;
    await services.deployVersions(versions({ a: 100 }));
    await settled({ a: 100 });
    const wanted = versions({ a: 50, b: 50 });
    wanted.versions[1]!.application.importPath = "none.mjs:handler";
    await services.deployVersions(wanted);
    const sick = await seen((now) => now.current_state === "UNHEALTHY");
    expect(shares(sick)).toEqual({ a: 100, b: 0 });
    await services.deployVersions(versions({ a: 100 }));
    await settled({ a: 100 });
  });

  it.each([
    ["shares that do not add up", [40, 40], ["a", "b"], "add up to 100, not to 80"],
    ["equal names", [40, 60], ["a", "a"], "a version name of its own"],
    ["a version without a name", [40, 60], ["a", undefined], "a version name of its own"],
    ["a share that is missing", [100, undefined], ["a", "b"], "must be given"],
  ])("refuses %s", async (_what, percents, names, text) => {
    const service_versions = percents.map((traffic_percent, index) =>
      aBody({ version: names[index], traffic_percent }),
    );
    const place = { cloud_id: "cld_local0001", project_id: "prj_local0001", rollout_strategy: "MULTI_VERSION" };
    const answer = await callApi(emulator.url, "PUT", `${BASE}/apply_multi_version`, { ...place, service_versions });
    expect([answer.status, reasonOf(answer)]).toEqual([400, expect.stringContaining(text)]);
  });
});

describe("update_weights", () => {
  it("moves a rollout, and refuses shares that are not whole, unknown names and a service with one version", async () => {
    await deploy("v1");
    const { id } = await seen(running);
    const put = async (...versions: [string, number][]) =>
      await callApi(emulator.url, "PUT", `${BASE}/${id}/update_weights`, {
        service_id: id,
        versions: versions.map(([name, traffic_percent]) => ({ id: "-", name, traffic_percent })),
      });
    expect((await put(["v1", 100])).error).toContain("has one version only");
    await deploy("v2", { canaryPercent: 10 });
    await seen((now) => now.canary_version?.weight === 10);
    expect((await put(["v1", 60], ["v2", 40])).status).toBe(200);
    expect((await seen((now) => now.canary_version?.weight === 40)).primary_version?.weight).toBe(60);
    expect((await put(["v1", 60], ["v2", 30])).error).toContain("not to 90");
    expect(reasonOf(await put(["v1", 60], ["v9", 40]))).toContain('has no version "v9"');
  });
});

describe("lists of services", () => {
  it("filters by name, state, tags and archive, sorts and pages", async () => {
    const own = `${name}-list`;
    for (const [index, team] of ["red", "blue", "red"].entries()) {
      name = `${own}-${index}`;
      await deploy("v1", { tags: { list: own, team } });
      await seen(running);
    }
    const { id } = await seen(running);
    await emulator.client.services.terminate(id);
    await seen(terminated);
    const names = async (query: string) =>
      (await callApi(emulator.url, "GET", `${BASE}/?tag_filter=list:${own}&${query}`)).results.map(
        (each) => each["name"],
      );
    const [a, b, c] = [0, 1, 2].map((index) => `${own}-${index}`);
    expect(await names("sort_field=NAME&sort_order=ASC")).toEqual([a, b, c]);
    expect(await names("sort_field=CREATED_AT&sort_order=DESC")).toEqual([c, b, a]);
    expect(await names("")).toEqual([b, a, c]);
    expect(await names("tag_filter=team:red&sort_field=NAME")).toEqual([a, c]);
    expect(await names("tag_filter=team:red&tag_filter=team:blue&sort_field=NAME")).toEqual([a, b, c]);
    expect(await names("state_filter=TERMINATED")).toEqual([c]);
    expect(await names(`name=${b}`)).toEqual([b]);
    expect(await names("project_id=prj_other")).toEqual([]);
    await emulator.client.services.archive(id);
    expect(await names("sort_field=NAME")).toEqual([a, b]);
    expect(await names("archive_status=ARCHIVED")).toEqual([c]);
    expect(await names("archive_status=ALL&sort_field=NAME")).toEqual([a, b, c]);
    const page = await callApi(emulator.url, "GET", `${BASE}/?tag_filter=list:${own}&count=1&sort_field=NAME`);
    expect(page.metadata["total"]).toBe(2);
    expect(await names(`count=1&sort_field=NAME&paging_token=${String(page.metadata["next_paging_token"])}`)).toEqual([
      b,
    ]);
    expect((await callApi(emulator.url, "GET", `${BASE}/?sort_field=COLOUR`)).status).toBe(422);
  });
});

describe("the life of a service", () => {
  it("is archived and deleted only when it has ended, with its logs, and can be deployed anew", async () => {
    const { services } = emulator.client;
    await deploy("v1");
    const up = await seen(running);
    await expect(services.archive(up.id)).rejects.toThrow("cannot be archived; terminate it first");
    await expect(services.delete(up.id)).rejects.toThrow("cannot be deleted; terminate it first");
    await services.terminate(up.id);
    await seen(terminated);
    await services.archive(up.id);
    expect(await services.find(name)).toBeNull();
    const logs = join(emulator.stateDirectory, "versions", up.primary_version!.id);
    expect(existsSync(logs)).toBe(true);
    await services.delete(up.id);
    expect(existsSync(logs)).toBe(false);
    await expect(services.get(up.id)).rejects.toMatchObject({ kind: "not-found" });
    expect((await query(up)).status).toBe(404);
    expect((await deploy("v1")).id).not.toBe(up.id);
  });

  it("has two tokens during a rotation, and the second one after it", async () => {
    const { services } = emulator.client;
    await deploy("v1");
    const up = await seen(running);
    const both = await services.addToken(up.id);
    const [first, second] = [both.auth_token ?? "", both.secondary_auth_token ?? ""];
    for (const token of [first, second]) expect((await query(up, "/", { token })).status).toBe(200);
    await expect(services.addToken(up.id)).rejects.toThrow("has two tokens");
    await expect(services.deleteToken(up.id, { token: "other" })).rejects.toThrow("no token of service");
    const after = await services.deleteToken(up.id, { token: first });
    expect([after.auth_token, after.secondary_auth_token]).toEqual([second, null]);
    expect((await query(up, "/", { token: first })).status).toBe(401);
    expect((await query(up, "/", { token: second })).status).toBe(200);
    await expect(services.deleteToken(up.id, { token: second })).rejects.toThrow("has one token only");
  });

  it("restarts its application beside the one that serves, and not during a rollout", async () => {
    await deploy("v1");
    const up = await seen(running);
    const { pid } = (await query(up)).json;
    expect((await callApi(emulator.url, "POST", `${BASE}/${up.id}/restart`)).result["current_state"]).toBe("UPDATING");
    await until("another process", async () => {
      const { status, json } = await query(up);
      expect(status).toBe(200);
      return json["pid"] !== pid;
    });
    await seen(running);
    await deploy("v2", { canaryPercent: 0 });
    expect((await callApi(emulator.url, "POST", `${BASE}/${up.id}/restart`)).status).toBe(409);
  });

  it("tells its versions and events, and the log of a version through the job behind it", async () => {
    const { services } = emulator.client;
    await deploy("v1");
    const up = await seen(running);
    await deploy("v2", { canaryPercent: 100, autoCompleteRollout: true });
    await seen((now) => now.primary_version?.version === "v2");
    await until("the end of v1", async () => (await services.versions(up.id))[1]?.current_state === "TERMINATED");
    expect((await services.versions(up.id)).map(({ version }) => version)).toEqual(["v2", "v1"]);
    expect((await callApi(emulator.url, "GET", `${BASE}/${up.id}/versions/v1`)).result["weight"]).toBe(0);
    const { results } = await callApi(emulator.url, "GET", `${BASE}/${up.id}/events?ascending_order=True`);
    const types = results.map((event) => event["event_type"]);
    expect(types).toEqual(["CREATE_INITIATED", "RUNNING", "ROLLOUT_INITIATED", "RUNNING"]);
    const lines: string[] = [];
    for await (const line of services.controllerLogs(name)) lines.push(line);
    expect(lines.join("\n")).toContain("[emulator] default: runs");
    const old = (await services.versions(up.id))[1]!;
    const job = (await callApi(emulator.url, "GET", `/api/v2/decorated_ha_jobs/${old.production_job_ids[0]}`)).result;
    expect(job).toMatchObject({ name, is_service: true, state: { current_state: "TERMINATED" } });
    expect((await callApi(emulator.url, "GET", "/api/v2/logs/serve_logs_download/ses_none")).status).toBe(404);
  });
});
