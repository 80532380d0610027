import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callApi } from "../support/emulator-api.ts";
import { aJob, ended, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
const ids: string[] = [];
beforeAll(async () => {
  emulator = await startTestEmulator();
  for (const [name, entrypoint] of [
    ["b", "true"],
    ["a", "exit 1"],
    ["c", "true"],
  ] as const) {
    const { id } = await emulator.client.jobs.submit(aJob({ name, entrypoint }));
    await ended(emulator, id);
    ids.push(id);
  }
});
afterAll(async () => {
  await emulator.stop();
});

const ask = async (query: string) => await callApi(emulator.url, "GET", `/api/v2/decorated_ha_jobs/?${query}`);
const names = async (query: string) => (await ask(query)).results.map(({ name }) => name);

describe("selectJobs", () => {
  it.each([
    ["", ["c", "a", "b"]],
    ["sort_field=NAME&sort_order=ASC", ["a", "b", "c"]],
    ["sort_field=NAME", ["c", "b", "a"]],
    ["sort_field=STATUS&sort_order=ASC", ["a", "b", "c"]],
    ["sort_field=CREATED_AT&sort_order=ASC", ["b", "a", "c"]],
    ["state_filter=SUCCESS", ["c", "b"]],
    ["state_filter=OUT_OF_RETRIES&state_filter=RUNNING", ["a"]],
    ["creator_id=usr_local0001&type_filter=BATCH_JOB", ["c", "a", "b"]],
    ["creator_id=usr_other", []],
    ["project_id=prj_other", []],
    ["cloud_id=cld_other", []],
    ["created_at_from=2100-01-01T00:00:00Z", []],
    ["created_at_from=2020-01-01T00:00:00%2B01:00&updated_at_to=2100-01-01T00:00:00Z", ["c", "a", "b"]],
    ["status_updated_at_to=2020-01-01T00:00:00Z", []],
    ["archive_status=ARCHIVED", []],
  ])("answers %s", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it.each([
    ["sort_field=SIZE", 422, "CREATED_AT"],
    ["sort_field=constructor", 422, "CREATED_AT"],
    ["created_at_from=soon", 422, "created_at_from"],
    ["count=0", 422, "count"],
    ["paging_token=7", 400, "paging_token"],
  ])("refuses %s", async (query, status, word) => {
    const answer = await ask(query);
    expect([answer.status, answer.error]).toEqual([status, expect.stringContaining(word)]);
  });

  it("goes on where a page ended when jobs are added in between", async () => {
    const first = await ask("count=2");
    const { id } = await emulator.client.jobs.submit(aJob({ name: "late" }));
    await ended(emulator, id);
    const token = String(first.metadata["next_paging_token"]);
    const second = await ask(`count=2&paging_token=${encodeURIComponent(token)}`);
    expect(second.results.map(({ name }) => name)).toEqual(["b"]);
    expect(second.metadata["next_paging_token"]).toBeNull();
    await emulator.client.jobs.delete(id);
  });

  it("answers jobs in the decorated form, by both families of routes", async () => {
    const [failed] = (await ask("name=a")).results;
    expect(failed).toMatchObject({
      id: ids[1],
      project: { id: "prj_local0001", directory_name: "default" },
      creator: { id: "usr_local0001", email: expect.any(String) },
      last_job_run: { status: "FAILED", cluster: { id: expect.stringMatching(/^ses_/) } },
      job_queue: null,
      position_in_job_queue: null,
      config: { build_id: expect.stringMatching(/^bld_/), compute_config_id: expect.stringMatching(/^cpt_/) },
    });
    const external = await callApi(emulator.url, "GET", "/ext/v0/production_jobs/?name=a");
    expect(external.results.map(({ id }) => id)).toEqual([ids[1]]);
  });
});

describe("archive and delete", () => {
  it("hides an archived job from lists, still answers it by id, and forgets a deleted one with its log", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ name: "old", tags: { a: "b" } }));
    const job = await ended(emulator, id);
    await emulator.client.jobs.archive(id);
    expect([await names("name=old"), await names("name=old&archive_status=ALL")]).toEqual([[], ["old"]]);
    expect(await names("archive_status=ARCHIVED")).toEqual(["old"]);
    expect((await emulator.client.jobs.get(id)).id).toBe(id);
    await emulator.client.jobs.delete(id);
    await expect(emulator.client.jobs.get(id)).rejects.toMatchObject({ status: 404 });
    const log = `/api/v2/logs/job_logs_download_v2/${job.last_job_run_id}`;
    expect((await callApi(emulator.url, "GET", log)).status).toBe(404);
    expect(await names("name=old&archive_status=ALL")).toEqual([]);
  });

  it("refuses both while the job has not ended", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ name: "busy", entrypoint: "sleep 300" }));
    const path = `/api/v2/decorated_ha_jobs/${id}`;
    for (const [method, suffix] of [
      ["POST", "/archive"],
      ["DELETE", ""],
    ] as const) {
      const answer = await callApi(emulator.url, method, path + suffix);
      expect([answer.status, answer.error]).toEqual([400, expect.stringContaining("only one that has ended")]);
    }
    await emulator.client.jobs.terminate(id);
    await ended(emulator, id);
  });
});
