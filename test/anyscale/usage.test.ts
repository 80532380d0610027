import { describe, expect, it } from "vitest";
import { startApiServer } from "../support/api-server.ts";
import { aJob, startTestEmulator } from "../support/emulator.ts";

const day = (date: Date) => date.toISOString().slice(0, 10);

describe("Usage.costOfJob", () => {
  it("adds up the dollars of a job's clusters over all pages, and of no other job", async () => {
    const row = (job: string | null, dollars: number | null) => ({
      anyscale_credits: 1,
      dollar_value: dollars,
      job_id: job,
    });
    const bodies: unknown[] = [];
    const { client, requests } = await startApiServer((request, _response, url) => {
      bodies.push(JSON.parse(request.body));
      return url.searchParams.get("paging_token") === null
        ? { results: [row("j1", 1.5), row("j2", 40), row(null, 7)], metadata: { next_paging_token: "more" } }
        : { results: [row("j1", 0.25), row("j3", null)], metadata: {} };
    });
    const period = { from: "2026-01-01", to: "2026-01-31" };
    expect(await client.usage.costOfJob("j1", period)).toBe(1.75);
    expect(await client.usage.costOfJob("j3", period)).toBeNull();
    expect(await client.usage.costOfJob("j4", period)).toBeNull();
    expect(bodies[0]).toEqual({ start_date: "2026-01-01", end_date: "2026-01-31" });
    expect(requests.slice(0, 2)).toEqual([
      "POST /api/v2/aggregated_instance_usage/cluster?count=50",
      "POST /api/v2/aggregated_instance_usage/cluster?paging_token=more&count=50",
    ]);
  });

  it("is known for a job that has run", async () => {
    const emulator = await startTestEmulator();
    const from = day(new Date());
    const computeConfig = { headNode: { instanceType: "m5.2xlarge" }, workerNodes: [{ instanceType: "g5.12xlarge" }] };
    const { id } = await emulator.client.jobs.submit(aJob({ entrypoint: "sleep 0.2", computeConfig }));
    await emulator.client.jobs.waitForSuccess(id, { pollMs: 10 });
    const period = { from, to: day(new Date()) };
    expect(await emulator.client.usage.costOfJob(id, period)).toBeGreaterThan(0);
    expect(await emulator.client.usage.costOfJob(id, { from: "2020-01-01", to: "2020-01-31" })).toBeNull();
    await emulator.stop();
  });

  it.each([
    [{ from: "yesterday", to: "2026-01-02" }, "usage: from: must be a day"],
    [{ from: "2026-02-30", to: "2026-03-02" }, "usage: from: must be a day"],
    [{ from: "2026-01-02", to: "2026-01-01" }, "usage: to: must not be before from"],
  ])("refuses %j", async (period, why) => {
    const { client, requests } = await startApiServer(() => ({}));
    await expect(client.usage.costOfJob("j1", period)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(why),
    });
    expect(requests).toEqual([]);
  });
});
