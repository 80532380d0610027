import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import type { ServiceDeployment, ServiceVersionsDeployment } from "../../src/anyscale/service-deployment.ts";
import type { RayServeConfig, Service } from "../../src/anyscale/services-wire.ts";
import { aDirectory } from "../support/emulator.ts";

/** A body as it was sent. */
interface Body {
  [field: string]: unknown;
  file_name?: string;
  ray_serve_config?: RayServeConfig;
  service_versions?: Body[];
}

/** A call as it was sent. */
interface Call {
  method: string;
  path: string;
  body: Body;
}

const directory = aDirectory({
  "app/app.py": "",
  "lib/lib.py": "",
  "requirements.txt": "torch==2.8  # GPU\n\n# none\n",
});
afterAll(() => rmSync(directory, { recursive: true }));

const application = { importPath: "app:app" };

function aVersion(version: string, weight = 100) {
  return {
    id: `srvver_${version}`,
    version,
    current_state: "RUNNING",
    weight,
    ray_serve_config: { applications: [{ import_path: `${version}:app` }] },
    build_id: "bld_theirs",
    compute_config_id: "cpt_theirs",
    production_job_ids: [],
    tracing_config: { enabled: true },
  };
}

function aService(more: Partial<Service> = {}): Service {
  return {
    id: "service2_1",
    name: "games",
    project_id: "prj_1",
    cloud_id: "cld_1",
    current_state: "RUNNING",
    auth_token: null,
    primary_version: aVersion("v1"),
    canary_version: null,
    ...more,
  };
}

const elsewhere = aService({ cloud_id: "cld_2" });
const rollout = aService({ primary_version: aVersion("v1", 50), canary_version: aVersion("v2", 50) });

/** A client of an account with this service or none; every call is in `calls`. */
function anAccount(known: Service | null = null) {
  const calls: Call[] = [];
  const result = (value: object) => Response.json({ result: value });
  const page = (...results: object[]) => Response.json({ results, metadata: {} });
  const client = new AnyscaleClient({
    host: "http://anyscale.example",
    token: "aph0_any",
    fetch: async (url, { method = "GET", body }) => {
      const { pathname, searchParams } = new URL(url);
      const isZip = body instanceof Uint8Array;
      calls.push({ method, path: pathname, body: typeof body === "string" ? JSON.parse(body) : {} });
      if (isZip) return new Response();
      if (/apply/.test(pathname)) return result(known ?? aService());
      if (pathname.endsWith("/versions")) return page(...(known?.versions ?? []));
      if (pathname === "/api/v2/services-v2/") {
        const isIt = (field: "name" | "cloud_id") => [null, known?.[field]].includes(searchParams.get(field));
        return known !== null && isIt("name") && isIt("cloud_id") ? page(known) : page();
      }
      if (pathname.endsWith("find_by_name")) return result({ id: "cld_other", name: "other" });
      if (pathname.endsWith("presigned_url")) {
        const { file_name } = calls.at(-1)!.body;
        return result({ file_uri: `s3://b/${file_name}`, url: "http://bucket.example/x", file_exists: false });
      }
      const id = { clouds: "cld_1", cluster_computes: "cpt_1", projects: "prj_1", cluster_environment_builds: "bld_1" };
      const family = pathname.split("/")[3] as keyof typeof id;
      return result({ id: id[family], name: "default", status: "succeeded", config: { cloud_id: "cld_1" } });
    },
  });
  const body = () => calls.find(({ method, path }) => method === "PUT" && path.includes("/apply"))?.body;
  return { services: client.services, calls, body };
}

describe("Services.deploy", () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a canary percent above 100", { canaryPercent: 101 }, /canaryPercent: must be 0 to 100/],
    ["a canary percent below 0", { canaryPercent: -1 }, /canaryPercent: must be 0 to 100/],
    ["half a percent", { canaryPercent: 0.5 }, /canaryPercent: must be a whole number/],
    ["a surge above 100", { maxSurgePercent: 101 }, /maxSurgePercent: must be 0 to 100/],
    ["in place with a canary", { inPlace: true, canaryPercent: 10 }, /canaryPercent: .*leave it out with inPlace/],
    ["in place with a surge", { inPlace: true, maxSurgePercent: 10 }, /maxSurgePercent: .*leave it out with inPlace/],
    ["in place with another image", { inPlace: true, imageUri: "a/b:1" }, /imageUri: .*leave it out with inPlace/],
    ["an empty name", { name: "" }, /name: /],
    ["an empty version", { version: "" }, /version: /],
    ["nothing to run", { application: undefined }, /application: or applications/],
    ["both forms of what to run", { applications: [application] }, /application: or applications/],
    ["no application in the list", { application: undefined, applications: [] }, /applications: /],
    ["an empty import path", { application: { importPath: "" } }, /application.importPath: must be of the form/],
    ["an import path without its attribute", { application: { importPath: "app" } }, /must be of the form/],
    ["a route that is no path", { application: { ...application, routePrefix: "v1" } }, /application.routePrefix/],
    [
      "two applications on one route",
      { application: undefined, applications: [application, { ...application, name: "b" }] },
      /routePrefix twice/,
    ],
    [
      "two applications of one name",
      { application: undefined, applications: [application, { ...application, routePrefix: "/b" }] },
      /name twice/,
    ],
    [
      "a working directory that is missing",
      { workingDirectory: "./nowhere" },
      /working directory "\.\/nowhere" does not exist/,
    ],
    [
      "an application's directory that is missing",
      { application: { ...application, runtimeEnv: { workingDirectory: "./nowhere" } } },
      /nowhere/,
    ],
    ["a requirements file that is missing", { requirements: "nowhere.txt" }, /requirements "nowhere.txt"/],
    ["a Containerfile that is missing", { containerfile: "nowhere" }, /containerfile "nowhere"/],
    ["an image and a Containerfile", { imageUri: "a/b:1", containerfile: "nowhere" }, /exclude each other/],
    ["a wrong inline compute config", { computeConfig: { headNode: {} } }, /computeConfig/],
    ["an option that does not exist", { canaryPercentage: 10 }, /canaryPercentage/],
    ["a variable that no shell takes", { envVars: { "A-B": "1" } }, /envVars.A-B/],
  ])("refuses %s before anything is sent", async (_case, wrong, message) => {
    const { services, calls } = anAccount();
    const deployment: ServiceDeployment = { name: "games", application, ...wrong };
    await expect(services.deploy(deployment)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(message),
    });
    expect(calls).toEqual([]);
  });

  it.each<[string, Service | null, Partial<ServiceDeployment>, RegExp]>([
    ["in place of no service", null, { inPlace: true }, /inPlace: service "games" does not exist/],
    [
      "in place of one that has ended",
      aService({ current_state: "TERMINATED" }),
      { inPlace: true },
      /inPlace: .*terminated/,
    ],
    [
      "in place of one that ends",
      aService({ current_state: "TERMINATING" }),
      { inPlace: true },
      /inPlace: .*terminated/,
    ],
    ["in place during a rollout", rollout, { inPlace: true }, /inPlace: .*in a rollout/],
    [
      "in place of several versions",
      aService({ is_multi_version: true }),
      { inPlace: true },
      /inPlace: .*several versions/,
    ],
    [
      "to another cloud, the default one",
      elsewhere,
      {},
      /cloud: service "games" is in cld_2 .* for cld_1; name its cloud/,
    ],
    [
      "to another cloud, by its machines",
      elsewhere,
      { computeConfig: { id: "cpt_1" } },
      /cloud: service "games" is in cld_2/,
    ],
    [
      "to another cloud, with machines of its own",
      elsewhere,
      { computeConfig: { headNode: { instanceType: "m5.large" } } },
      /cloud: service "games" is in cld_2/,
    ],
  ])("refuses to deploy %s before anything is made", async (_case, known, wrong, message) => {
    const { services, calls } = anAccount(known);
    const deployment = { name: "games", application, workingDirectory: join(directory, "app"), ...wrong };
    await expect(services.deploy(deployment)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(message),
    });
    expect(calls.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("needs a name and an import path, and leaves the rest to the server", async () => {
    const { services, body } = anAccount();
    await services.deploy({ name: "games", application });
    expect(body()).toEqual({
      name: "games",
      project_id: "prj_1",
      ray_serve_config: { applications: [{ import_path: "app:app" }] },
      build_id: "bld_1",
      compute_config_id: "cpt_1",
      config: {
        max_uptime_timeout_sec: 0,
        access: { use_bearer_token: true },
        protocols: { grpc: { enabled: false, port: 9000, service_names: [] } },
      },
      rollout_strategy: "ROLLOUT",
      auto_complete_rollout: true,
    });
  });

  it("folds the version's files and environment into each application, where the version's win", async () => {
    const { services, calls, body } = anAccount();
    await services.deploy({
      name: "games",
      applications: [
        { ...application, name: "chat", args: { model: "m" } },
        {
          importPath: "admin.views:app",
          name: "admin",
          routePrefix: "/admin",
          deployments: [{ name: "Admin", num_replicas: 2 }],
          runtimeEnv: {
            workingDirectory: "s3://theirs/app.zip",
            excludes: ["*.tmp"],
            requirements: ["rich"],
            envVars: { LEVEL: "debug", ONLY: "admin" },
          },
        },
      ],
      workingDirectory: join(directory, "app"),
      excludes: ["*.log"],
      requirements: join(directory, "requirements.txt"),
      envVars: { LEVEL: "info" },
      queryAuthTokenEnabled: false,
      description: "plays",
      tags: { team: "ft" },
    });
    const sent = body()!;
    const [chat, admin] = sent.ray_serve_config!.applications;
    expect(chat).toMatchObject({ name: "chat", import_path: "app:app", args: { model: "m" } });
    expect(chat?.runtime_env).toMatchObject({ excludes: ["*.log"], pip: ["torch==2.8"], env_vars: { LEVEL: "info" } });
    expect(admin).toMatchObject({ route_prefix: "/admin", deployments: [{ name: "Admin", num_replicas: 2 }] });
    expect(admin?.runtime_env).toMatchObject({
      working_dir: chat?.runtime_env?.working_dir,
      excludes: ["*.tmp", "*.log"],
      pip: ["torch==2.8"],
      env_vars: { LEVEL: "info", ONLY: "admin" },
    });
    expect(sent).toMatchObject({ description: "plays", tags: { team: "ft" } });
    expect(sent["config"]).toMatchObject({ access: { use_bearer_token: false }, env_vars: { LEVEL: "info" } });
    expect(calls.findIndex(({ path }) => path === "/x")).toBeLessThan(calls.length - 1);
  });

  it.each([
    ["there is none", null, undefined],
    ["it has ended", aService({ current_state: "TERMINATED" }), undefined],
    ["it serves", aService(), 10],
  ])("shares requests with the service when %s", async (_case, known, percent) => {
    const { services, body } = anAccount(known);
    await services.deploy({ name: "games", application, canaryPercent: 10, autoCompleteRollout: false });
    expect(body()).toMatchObject({ auto_complete_rollout: false });
    expect(body()!["canary_percent"]).toBe(percent);
  });

  it("updates in place on the machines, in the image and behind the token that the service has", async () => {
    const { services, body } = anAccount(aService());
    await services.deploy({ name: "games", version: "v2", application, inPlace: true });
    expect(body()).toMatchObject({
      version: "v2",
      rollout_strategy: "IN_PLACE",
      build_id: "bld_theirs",
      compute_config_id: "cpt_theirs",
      tracing_config: { enabled: true },
      config: { access: { use_bearer_token: false } },
    });
  });
});

describe("Services.deploy by the names of cloud and project", () => {
  it("takes a service of the same name in another cloud for another one", async () => {
    const { services, calls, body } = anAccount(elsewhere);
    await services.deploy({
      name: "games",
      application,
      cloud: "other",
      project: { id: "prj_other" },
      canaryPercent: 10,
    });
    expect(calls[0]).toMatchObject({ path: "/api/v2/clouds/find_by_name", body: { name: "other" } });
    expect(body()).toMatchObject({ project_id: "prj_other" });
    expect(body()).not.toHaveProperty("canary_percent");
  });
});

describe("Services.setWeights", () => {
  it.each([
    ["both versions", { v1: 70, v2: 30 }, 30],
    ["the canary", { v2: 30 }, 30],
    ["the primary", { v1: 70 }, 30],
  ])("moves the weights by %s and repeats what the canary is", async (_case, weights, percent) => {
    const { services, body } = anAccount(rollout);
    await services.setWeights("games", weights, { autoCompleteRollout: false });
    expect(body()).toEqual({
      name: "games",
      project_id: "prj_1",
      version: "v2",
      canary_percent: percent,
      ray_serve_config: { applications: [{ import_path: "v2:app" }] },
      build_id: "bld_theirs",
      compute_config_id: "cpt_theirs",
      tracing_config: { enabled: true },
      rollout_strategy: "ROLLOUT",
      auto_complete_rollout: false,
    });
  });

  it("moves the weights of several versions at once", async () => {
    const several = aService({ is_multi_version: true, versions: [aVersion("v1", 50), aVersion("v2", 50)] });
    const { services, body } = anAccount(several);
    await services.setWeights("games", { v1: 90, v2: 10 });
    const { service_versions: versions, ...rest } = body()!;
    expect(rest).toEqual({ rollout_strategy: "MULTI_VERSION", cloud_id: "cld_1", project_id: "prj_1" });
    expect(versions?.map((one) => [one["version"], one["traffic_percent"]])).toEqual([
      ["v1", 90],
      ["v2", 10],
    ]);
  });

  const several = aService({ is_multi_version: true, versions: [aVersion("v1", 50), aVersion("v2", 50)] });
  it.each<[string, Service | null, Record<string, number>, string, RegExp]>([
    ["no service", null, { v1: 100 }, "not-found", /no service "games"/],
    ["no rollout", aService(), { v1: 100 }, "invalid", /no rollout/],
    ["another version", rollout, { v3: 10 }, "invalid", /"v3" is not one of service "games", which has v1, v2/],
    ["shares above 100", rollout, { v1: 70, v2: 40 }, "invalid", /add up to 110/],
    ["a share above 100", rollout, { v2: 101 }, "invalid", /v2: must be 0 to 100/],
    ["no version", rollout, {}, "invalid", /names no version/],
    ["one of several alone", several, { v1: 100 }, "invalid", /"v2" .* is missing/],
    ["several with shares below 100", several, { v1: 10, v2: 10 }, "invalid", /add up to 20/],
  ])("refuses %s", async (_case, known, weights, kind, message) => {
    const { services, body } = anAccount(known);
    await expect(services.setWeights("games", weights)).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
    expect(body()).toBeUndefined();
  });
});

describe("Services.deployVersions", () => {
  const a = { version: "a", trafficPercent: 40, application };
  const b = { version: "b", trafficPercent: 60, application };

  it("brings versions up and keeps one that runs as it is", async () => {
    const { services, body } = anAccount(aService({ is_multi_version: true, versions: [aVersion("v1")] }));
    await services.deployVersions({ name: "games", versions: [a, { version: "v1", trafficPercent: 60 }] });
    const [first, second] = body()!.service_versions!;
    expect(first).toMatchObject({ version: "a", traffic_percent: 40, build_id: "bld_1", auto_complete_rollout: true });
    expect(second).toMatchObject({ version: "v1", traffic_percent: 60, build_id: "bld_theirs" });
    expect(second).not.toHaveProperty("config");
  });

  it.each<[string, Partial<ServiceVersionsDeployment>, RegExp]>([
    ["shares that miss 100", { versions: [a] }, /versions: trafficPercent adds up to 40/],
    ["a name twice", { versions: [a, { ...b, version: "a" }] }, /versions: has a name twice/],
    ["a directory that is missing", { versions: [a, { ...b, workingDirectory: "./nowhere" }] }, /nowhere/],
    [
      "options of what runs already",
      { versions: [a, { version: "b", trafficPercent: 60, imageUri: "x/y:1" }] },
      /imageUri: needs application/,
    ],
    ["no version", { versions: [] }, /versions/],
  ])("refuses %s before anything is sent", async (_case, wrong, message) => {
    const { services, calls } = anAccount();
    const deployment = { name: "games", versions: [a, b], ...wrong };
    await expect(services.deployVersions(deployment)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(message),
    });
    expect(calls).toEqual([]);
  });

  it("refuses a version that neither runs nor says what to run", async () => {
    const { services, body } = anAccount();
    const versions = [a, { version: "b", trafficPercent: 60 }];
    await expect(services.deployVersions({ name: "games", versions })).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining('version "b" is not one of service "games", which has none'),
    });
    expect(body()).toBeUndefined();
  });
});
