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

const PATH = "/api/v2/tags/resource";
const tagsOf = async (id: string) => {
  const { result } = await callApi(emulator.url, "GET", `${PATH}?resource_type=job&resource_id=${id}`);
  return (result["tags"] as { key: string; value: string }[]).map(({ key, value }) => `${key}:${value}`);
};
const submit = async (tags: Record<string, string>) =>
  (await emulator.client.jobs.submit(aJob({ name: "tagged", tags }))).id;

describe("Tags", () => {
  it("keeps the tags of a submit, adds, changes and removes them", async () => {
    const id = await submit({ team: "ft", stage: "test" });
    expect(await tagsOf(id)).toEqual(["team:ft", "stage:test"]);
    const resource = { resource_type: "job", resource_id: id };
    await callApi(emulator.url, "PUT", PATH, { ...resource, tags: { stage: "prod", x: "y" } });
    expect(await tagsOf(id)).toEqual(["team:ft", "stage:prod", "x:y"]);
    const removed = await callApi(emulator.url, "DELETE", PATH, { ...resource, keys: ["x", "none"] });
    expect(removed.result).toEqual({ deleted: 1 });
    expect(await tagsOf(id)).toEqual(["team:ft", "stage:prod"]);
  });

  it("filters a list: any of the values of one key, and all keys", async () => {
    const [one, two, three] = [
      await submit({ arm: "a", run: "1" }),
      await submit({ arm: "b", run: "1" }),
      await submit({ arm: "a", run: "2:3" }),
    ];
    const list = async (...filters: string[]) => {
      const query = filters.map((filter) => `tag_filter=${encodeURIComponent(filter)}`).join("&");
      const { results } = await callApi(emulator.url, "GET", `/api/v2/decorated_ha_jobs/?name=tagged&${query}`);
      return results.map(({ id }) => id);
    };
    expect(await list("arm:a", "arm:b")).toEqual([three, two, one]);
    expect(await list("arm:a", "run:1")).toEqual([one]);
    expect(await list("run:2:3")).toEqual([three]);
    expect(await list("arm:c")).toEqual([]);
  });

  it("refuses tags of what does not exist, and of types that have none", async () => {
    const missing = { resource_type: "job", resource_id: "prodjob_none", tags: { a: "b" } };
    const answer = await callApi(emulator.url, "PUT", PATH, missing);
    expect([answer.status, answer.error]).toEqual([404, expect.stringContaining("there is no job prodjob_none")]);
    expect((await callApi(emulator.url, "PUT", PATH, { ...missing, resource_type: "cloud" })).status).toBe(422);
  });
});
