import { writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ApiServer, startApiServer } from "../support/api-server.ts";
import { aDirectory, aJob, startTestEmulator } from "../support/emulator.ts";

const directory = aDirectory({ Containerfile: "FROM anyscale/ray:2.59.0-py311\n" });
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const compute = (id: string, cloudId: string | null) => ({ id, config: { cloud_id: cloudId } });

/** A server that knows of two clouds, and on which anything can be created. */
async function twoClouds(
  overrides: Record<string, unknown> = {},
): Promise<ApiServer & { bodies: Map<string, unknown> }> {
  const bodies = new Map<string, unknown>();
  const server = await startApiServer((request, response, url) => {
    const path = url.pathname;
    if (request.body !== "") bodies.set(path, JSON.parse(request.body));
    if (path in overrides) return overrides[path];
    if (path === "/ext/v0/clouds/default") return { result: { id: "cld_default", name: "default" } };
    if (path === "/api/v2/clouds/find_by_name") return { result: { id: "cld_other", name: "other" } };
    if (path === "/ext/v0/cluster_computes/default") return { result: compute("cpt_default", "cld_default") };
    if (path === "/ext/v0/cluster_computes/cpt_7") return { result: compute("cpt_7", "cld_other") };
    if (path === "/api/v2/compute_templates/search") return { results: [compute("cpt_named", "cld_other")] };
    if (path === "/api/v2/compute_templates/") return { result: compute("cpt_new", "cld_default") };
    if (path === "/api/v2/workos/deployment_infra") return { result: { deployment_infra: "aws" } };
    if (path.startsWith("/ext/v0/projects/default"))
      return { result: { id: `prj_${url.searchParams.get("parent_cloud_id")}` } };
    if (path === "/ext/v0/projects/search") return { results: [{ id: "prj_named" }] };
    if (path.includes("build")) return { result: { id: "bld_1", status: "succeeded" } };
    response.statusCode = 500;
    return { error: { detail: "the end of the look-ups" } };
  });
  return { ...server, bodies };
}

/** The ids that a job of these options would have. */
async function idsOf(server: Awaited<ReturnType<typeof twoClouds>>, options: object) {
  const submission = { name: "job", entrypoint: "true", ...options };
  await expect(server.client.jobs.submit(submission)).rejects.toThrow("the end of the look-ups");
  const body = server.bodies.get("/api/v2/decorated_ha_jobs/create") as { project_id: string; config: object };
  return { ...body.config, project_id: body.project_id };
}

describe("Lookups.place", () => {
  it.each<[string, object, object]>([
    ["nothing", {}, { compute_config_id: "cpt_default", project_id: "prj_cld_default" }],
    ["a cloud", { cloud: "other" }, { compute_config_id: "cpt_default", project_id: "prj_cld_other" }],
    ["a cloud's id", { cloud: { id: "cld_3" } }, { compute_config_id: "cpt_default", project_id: "prj_cld_3" }],
    // A compute config is in one cloud: that is where the project is looked for.
    ["a compute config", { computeConfig: "gpu" }, { compute_config_id: "cpt_named", project_id: "prj_cld_other" }],
    ["its id", { computeConfig: { id: "cpt_7" } }, { compute_config_id: "cpt_7", project_id: "prj_cld_other" }],
    [
      "its id and the cloud",
      { computeConfig: { id: "cpt_7" }, cloud: { id: "cld_3" } },
      { compute_config_id: "cpt_7", project_id: "prj_cld_3" },
    ],
    [
      "machines",
      { computeConfig: { headNode: { instanceType: "m5" } } },
      { compute_config_id: "cpt_new", project_id: "prj_cld_default" },
    ],
    ["a project", { project: "games" }, { compute_config_id: "cpt_default", project_id: "prj_named" }],
    ["a project's id", { project: { id: "prj_9" } }, { compute_config_id: "cpt_default", project_id: "prj_9" }],
    ["a build", { buildId: "bld_7" }, { build_id: "bld_7" }],
  ])("finds the ids of %s", async (_case, options, ids) => {
    expect(await idsOf(await twoClouds(), options)).toMatchObject(ids);
  });

  it("asks for the newest version of a compute config, or for the one that is named", async () => {
    const server = await twoClouds();
    const search = { orgwide: true, include_anonymous: true, archive_status: "NOT_ARCHIVED" };
    await idsOf(server, { computeConfig: "gpu" });
    const path = "/api/v2/compute_templates/search";
    expect(server.bodies.get(path)).toEqual({ ...search, name: { equals: "gpu" }, version: -1 });
    await idsOf(server, { computeConfig: "gpu:12", cloud: "other" });
    expect(server.bodies.get(path)).toEqual({ ...search, name: { equals: "gpu" }, version: 12, cloud_id: "cld_other" });
  });

  it("keeps clouds, projects and finished builds, and looks compute configs up each time", async () => {
    const server = await twoClouds();
    const options = { cloud: "other", project: "games", computeConfig: "gpu", imageUri: "acme/trainer" };
    await idsOf(server, options);
    const before = server.requests.length;
    await idsOf(server, options);
    expect(server.requests.slice(before)).toEqual([
      "POST /api/v2/compute_templates/search",
      "POST /api/v2/decorated_ha_jobs/create",
    ]);
  });

  it("does not keep a build that has not ended", async () => {
    const path = "/api/v2/builds/get_or_create_build_from_image_uri";
    const server = await twoClouds({ [path]: { result: { id: "bld_1", status: "in_progress" } } });
    await idsOf(server, { imageUri: "acme/trainer" });
    await idsOf(server, { imageUri: "acme/trainer" });
    expect(server.requests.filter((request) => request.endsWith(path))).toHaveLength(2);
  });

  it("looks a project up by name alone when the search does not know it, in the right cloud", async () => {
    const results = [
      { id: "prj_a", parent_cloud_id: "cld_other" },
      { id: "prj_b", parent_cloud_id: "cld_default" },
    ];
    const paths = { "/ext/v0/projects/search": { results: [] }, "/api/v2/projects/find_by_name": { results } };
    expect(await idsOf(await twoClouds(paths), { project: "games" })).toMatchObject({ project_id: "prj_b" });
    const { client } = await twoClouds({ ...paths, "/api/v2/projects/find_by_name": { results: results.slice(0, 1) } });
    await expect(client.lookups.projectId("games", "cld_default")).rejects.toMatchObject({ kind: "not-found" });
  });

  // The official client calls every failure of a look-up "not found".
  it.each([
    [403, "forbidden"],
    [429, "rate-limited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ])("calls a look-up that was answered with %i %s, not missing, and keeps nothing of it", async (status, kind) => {
    const emulator = await startTestEmulator();
    for (const path of ["clouds/find_by_name$", "projects/search$", "compute_templates/search$", "production_jobs"]) {
      await emulator.fault({ match: { path }, effect: { kind: "status", status } });
    }
    const { lookups, jobs } = emulator.client;
    const calls = [
      async () => await lookups.cloudId("some-cloud"),
      async () => await lookups.projectId("some-project", "cld_1"),
      async () => await lookups.computeConfigId("default", "cld_emu0001"),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ kind, status });
      await call();
    }
    const { id } = await jobs.submit(aJob());
    await expect(jobs.get(id)).rejects.toMatchObject({ kind, status });
    expect(await jobs.get(id)).toMatchObject({ id });
    await emulator.stop();
  });
});

describe("Images.buildId", () => {
  const containerfile = join(directory, "Containerfile");
  const built = { buildPollMs: 1 };

  it("builds a Containerfile once per text, and runs the job in it", async () => {
    const emulator = await startTestEmulator();
    const submission = aJob({ name: "built", containerfile, imageUri: undefined });
    const first = await emulator.client.jobs.submit(submission, built);
    const second = await emulator.client.jobs.submit(submission, built);
    expect(second.config["build_id"]).toBe(first.config["build_id"]);
    const builds = async () => (await emulator.ledger()).filter(({ path }) => path.endsWith("environment_builds/"));
    expect((await builds()).map(({ method }) => method)).toEqual(["GET", "POST"]);
    writeFileSync(containerfile, "FROM anyscale/ray:2.59.0-py311\nRUN true\n");
    const third = await emulator.client.jobs.submit(submission, built);
    expect(third.config["build_id"]).not.toBe(first.config["build_id"]);
    await emulator.stop();
  });

  /** A server on which an image is built, through these answers of its build. */
  async function building(...builds: object[]) {
    let look = 0;
    return await twoClouds({
      "/ext/v0/cluster_environments/search": { results: [{ id: "apt_1" }] },
      "/ext/v0/cluster_environment_builds/": { results: [], result: { cluster_environment_build_id: "bld_9" } },
      get "/ext/v0/cluster_environment_builds/bld_9"() {
        return { result: { id: "bld_9", ...builds[Math.min(look++, builds.length - 1)] } };
      },
    });
  }
  const build = async ({ client }: ApiServer, options = {}) => {
    const text = "FROM x";
    const image = { from: "containerfile", path: "Containerfile", text, rayVersion: null } as const;
    return await client.lookups.images.buildId(image, "image-1", "cld_1", { ...built, ...options });
  };

  it("waits through states that it does not know", async () => {
    const states = ["pending", "something_new", "in_progress", "succeeded"].map((status) => ({ status }));
    expect(await build(await building(...states))).toBe("bld_9");
  });

  it.each(["failed", "canceled"])("says why a build %s", async (status) => {
    const server = await building({ status: "pending" }, { status, error_message: "no space left" });
    await expect(build(server)).rejects.toMatchObject({
      kind: "failed",
      message: `image build bld_9 ended as ${status}: no space left`,
    });
  });

  it("gives a build up that takes too long", async () => {
    const server = await building({ status: "in_progress" });
    await expect(build(server, { buildTimeoutMs: 30 })).rejects.toMatchObject({ kind: "timeout" });
  });

  it("takes the image that somebody else has made meanwhile", async () => {
    let search = 0;
    const server = await startApiServer((request, response, url) => {
      if (url.pathname.endsWith("infra")) return { result: { deployment_infra: "aws" } };
      if (url.pathname.endsWith("/search")) return { results: search++ === 0 ? [] : [{ id: "apt_theirs" }] };
      if (url.pathname === "/ext/v0/cluster_environments/") {
        response.statusCode = 409;
        return { error: { detail: "the name is taken" } };
      }
      expect(url.searchParams.get("cluster_environment_id")).toBe("apt_theirs");
      return { results: [{ id: "bld_old", status: "succeeded", containerfile: "FROM x" }] };
    });
    expect(await build(server)).toBe("bld_old");
  });

  it("names the cloud where Anyscale's own side wants to know it", async () => {
    const server = await twoClouds({ "/api/v2/workos/deployment_infra": { result: { deployment_infra: "azure" } } });
    await idsOf(server, { imageUri: "acme/trainer", cloud: "other" });
    expect(server.bodies.get("/api/v2/builds/get_or_create_build_from_image_uri")).toMatchObject({
      cloud_id: "cld_other",
    });
  });
});
