import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callApi } from "../support/emulator-api.ts";
import { aJob, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

const post = async (path: string, body: object) => await callApi(emulator.url, "POST", path, body);
const get = async (path: string) => await callApi(emulator.url, "GET", path);

describe("ComputeConfigs", () => {
  const search = async (name: string, version: number | null = -1, more: object = {}) =>
    (await post("/api/v2/compute_templates/search", { orgwide: true, name: { equals: name }, version, ...more }))
      .results;
  const create = async (body: object) => await post("/api/v2/compute_templates/", body);
  const config = (instanceType: string) => ({
    cloud_id: "cld_local0001",
    head_node_type: { name: "head-node", instance_type: instanceType },
  });

  it("knows names that were created here, each with versions, and the default one", async () => {
    expect(await search("trainer")).toEqual([]);
    const first = await create({ name: "trainer", config: config("m5.large"), new_version: true });
    const second = await create({ name: "trainer", config: config("g5.xlarge"), new_version: true });
    expect([first.result["version"], second.result["version"]]).toEqual([1, 2]);
    expect((await search("trainer")).map(({ id }) => id)).toEqual([second.result["id"]]);
    expect((await search("trainer", 1)).map(({ id }) => id)).toEqual([first.result["id"]]);
    expect(await search("trainer", 3)).toEqual([]);
    expect(await search("default")).toHaveLength(1);
    const taken = await create({ name: "trainer", config: config("m5.large") });
    expect([taken.status, taken.error]).toEqual([409, expect.stringContaining("trainer")]);
  });

  it("echoes an inline one in the decorated form and shows it in no search by name", async () => {
    const { result } = await create({ config: config("m5.2xlarge"), anonymous: true, new_version: true });
    const shown = (await get(`/api/v2/compute_templates/${String(result["id"])}`)).result;
    expect(shown).toMatchObject({
      anonymous: true,
      creator: { id: "usr_local0001" },
      config: { head_node_type: { instance_type: "m5.2xlarge" }, cloud: { provider: "AWS" } },
    });
    expect(await search(String(result["name"]))).toEqual([]);
  });

  it("hides an archived name and still answers its ids", async () => {
    const { result } = await create({ name: "old", config: config("m5.large") });
    await post(`/api/v2/compute_templates/${String(result["id"])}/archive`, {});
    expect(await search("old")).toEqual([]);
    expect(await search("old", -1, { archive_status: "ALL" })).toHaveLength(1);
    expect((await get(`/ext/v0/cluster_computes/${String(result["id"])}`)).result["archived_at"]).toEqual(
      expect.any(String),
    );
  });
});

describe("Images", () => {
  const fromUri = async (body: object) => await post("/api/v2/builds/get_or_create_build_from_image_uri", body);

  it("gives the same image the same build, and shows it as an alias that is known afterwards", async () => {
    const first = await fromUri({ image_uri: "docker.io/acme/trainer:1.2" });
    const again = await fromUri({ image_uri: "docker.io/acme/trainer:1.2" });
    expect(again.result["id"]).toBe(first.result["id"]);
    expect(first.result).toMatchObject({
      status: "succeeded",
      is_byod: true,
      docker_image_name: "docker.io/acme/trainer:1.2",
    });
    const alias = await fromUri({ image_uri: "anyscale/image/docker-io-acme-trainer-1-2:1" });
    expect(alias.result["id"]).toBe(first.result["id"]);
    const unknown = await fromUri({ image_uri: "anyscale/image/none:1" });
    expect([unknown.status, unknown.error]).toEqual([404, expect.stringContaining("anyscale/image/none:1")]);
  });

  it("takes a containerfile through search, create, list and build", async () => {
    const environments = "/ext/v0/cluster_environments";
    const name = { equals: "image-for-job-cf" };
    const find = async () => (await post(`${environments}/search`, { name, paging: { count: 1 } })).results;
    expect(await find()).toEqual([]);
    const { result: image } = await post(`${environments}/`, { name: name.equals, anonymous: false });
    expect((await post(`${environments}/`, { name: name.equals })).status).toBe(409);
    expect((await find()).map(({ id }) => id)).toEqual([image["id"]]);
    const builds = "/ext/v0/cluster_environment_builds";
    const order = {
      cluster_environment_id: image["id"],
      containerfile: "FROM a\n",
      containerfile_path: "Containerfile",
    };
    const operation = await post(`${builds}/`, order);
    await post(`${builds}/`, { ...order, containerfile: "FROM b\n" });
    expect(operation.result).toMatchObject({ completed: true });
    const id = String(operation.result["cluster_environment_build_id"]);
    const shown = { status: "succeeded", is_byod: false, containerfile: "FROM a\n", revision: 1 };
    expect((await get(`${builds}/${id}`)).result).toMatchObject(shown);
    const listed = await get(`${builds}/?cluster_environment_id=${String(image["id"])}&desc=True&count=50`);
    expect(listed.results.map(({ revision }) => revision)).toEqual([2, 1]);
    expect((await get(`${builds}/?cluster_environment_id=apt_none`)).status).toBe(404);
    const [found] = (await get("/api/v2/application_templates/?name_contains=for-job-cf")).results;
    expect(found).toMatchObject({ id: image["id"], latest_build: { revision: 2, status: "succeeded" } });
  });
});

describe("readJobRequest", () => {
  const submit = async (config: object) =>
    await post("/api/v2/decorated_ha_jobs/create", { name: "n", config: { entrypoint: "true", ...config } });

  it.each([
    ["an unknown compute config", { compute_config_id: "cpt_none" }, 404, "there is no compute config cpt_none"],
    ["an unknown build", { build_id: "bld_none" }, 404, "there is no build bld_none"],
    ["an empty entrypoint", { entrypoint: "" }, 422, "entrypoint"],
    ["a blank entrypoint", { entrypoint: "  " }, 422, "entrypoint"],
    ["negative retries", { max_retries: -1 }, 422, "max_retries"],
    ["a time limit of nothing", { timeout_s: 0 }, 422, "timeout_s"],
    ["requirements that are no list", { runtime_env: { pip: 7 } }, 422, "pip"],
  ])("refuses %s and makes no job", async (_case, config, status, text) => {
    const before = (await get("/api/v2/decorated_ha_jobs/")).metadata["total"];
    const answer = await submit(config);
    expect([answer.status, answer.error]).toEqual([status, expect.stringContaining(text)]);
    expect((await get("/api/v2/decorated_ha_jobs/")).metadata["total"]).toBe(before);
  });

  it("fills in the default image and compute config, and makes those that stand inline", async () => {
    const plain = await submit({});
    expect(plain.result["config"]).toMatchObject({ build_id: "bld_default0001", compute_config_id: "cpt_default0001" });
    const inline = await submit({
      image_uri: "acme/a:1",
      compute_config: { head_node_type: { instance_type: "g5.xlarge" } },
    });
    const config = inline.result["config"] as Record<string, string>;
    const shown = await get(`/api/v2/compute_templates/${config["compute_config_id"]}`);
    expect(shown.result["config"]).toMatchObject({ head_node_type: { instance_type: "g5.xlarge" } });
    const build = await get(`/ext/v0/cluster_environment_builds/${config["build_id"]}`);
    expect(build.result["docker_image_name"]).toBe("acme/a:1");
  });

  it("is behind the external route as well", async () => {
    const answer = await post("/ext/v0/production_jobs/", { name: "ext", config: { entrypoint: "true" } });
    expect((await emulator.client.jobs.get(String(answer.result["id"]))).name).toBe("ext");
    await expect(emulator.client.jobs.submit(aJob({ computeConfig: "none" }))).rejects.toThrow("none");
  });
});
