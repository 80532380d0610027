import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComputeConfigs } from "../../src/emulator/compute-configs.ts";
import type { JobRecord } from "../../src/emulator/records.ts";
import { HOURLY_USD, hourlyPriceUsd, usageOf } from "../../src/emulator/usage.ts";
import { callApi } from "../support/emulator-api.ts";
import { aJob, ended, inState, startTestEmulator, until } from "../support/emulator.ts";

describe("hourlyPriceUsd", () => {
  it.each([
    ["the head node alone", { head_node_type: { instance_type: "m5.large" } }, HOURLY_USD.node],
    [
      "workers with GPUs, of which at least one is counted",
      {
        head_node_type: { instance_type: "m5.large" },
        worker_node_types: [{ instance_type: "g5.12xlarge", min_workers: 0, max_workers: 2 }],
      },
      HOURLY_USD.node + HOURLY_USD.gpuNode,
    ],
    [
      "the least number of workers, also of a free shape",
      {
        head_node_type: { required_resources: { cpu: 2 } },
        worker_node_types: [{ required_resources: { cpu: 8, gpu: 1 }, min_workers: 3, max_workers: 8 }],
      },
      HOURLY_USD.node + 3 * HOURLY_USD.gpuNode,
    ],
    ["nothing that is known", { nodes: 7 }, 0],
  ])("counts %s", (_case, config, price) => {
    expect(hourlyPriceUsd(config)).toBe(price);
  });
});

describe("usageOf", () => {
  const config = { head_node_type: { instance_type: "m5.large" } };
  const computeConfigs = { default: { id: "cpt_1" }, get: () => ({ config }) } as unknown as ComputeConfigs;
  const job = (...attempts: [string, string | null][]) =>
    ({
      createdAt: attempts[0]?.[0],
      request: { config: {} },
      attempts: attempts.map(([createdAt, finishedAt]) => ({ createdAt, finishedAt })),
    }) as JobRecord;
  const nowMs = Date.parse("2026-03-03T12:00:00Z");

  it("splits a job that runs past midnight by day, and counts a running one up to now", () => {
    const running = job(["2026-03-01T22:00:00Z", "2026-03-02T01:00:00Z"], ["2026-03-03T11:00:00Z", null]);
    const period = { from: "2026-03-01", to: "2026-03-31" };
    const byDate = usageOf([running], period, { byDate: true, computeConfigs, nowMs });
    expect(byDate.map(({ date, costUsd }) => [date, costUsd])).toEqual([
      ["2026-03-01", 2 * HOURLY_USD.node],
      ["2026-03-02", HOURLY_USD.node],
      ["2026-03-03", HOURLY_USD.node],
    ]);
    const [total] = usageOf([running], period, { byDate: false, computeConfigs, nowMs });
    expect(total).toMatchObject({ date: null, costUsd: 4 * HOURLY_USD.node });
  });

  it("leaves out what lies outside of the period", () => {
    const past = job(["2026-02-01T00:00:00Z", "2026-02-01T10:00:00Z"]);
    const options = { byDate: false, computeConfigs, nowMs };
    expect(usageOf([past], { from: "2026-02-02", to: "2026-03-03" }, options)).toEqual([]);
    expect(usageOf([past], { from: "2026-02-01", to: "2026-02-01" }, options)).toHaveLength(1);
  });
});

describe("addUsage", () => {
  let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
  beforeAll(async () => {
    emulator = await startTestEmulator();
  });
  afterAll(async () => {
    await emulator.stop();
  });
  const today = new Date().toISOString().slice(0, 10);
  const period = { from: today, to: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) };

  it("answers what a job costs, more the longer it runs, and the sum of all", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ name: "=costly", entrypoint: "sleep 300" }));
    await inState(emulator, id, "RUNNING");
    const cost = async () => await emulator.client.usage.costOfJob(id, period);
    const first = await until("a first cost", cost);
    const second = await until("a higher cost", async () => {
      const now = await cost();
      return now !== null && now > first && now;
    });
    await emulator.client.jobs.terminate(id);
    await ended(emulator, id);
    const last = await cost();
    expect(last).toBeGreaterThanOrEqual(second);
    expect(await cost()).toBe(last);
    const query = `start_date=${period.from}&end_date=${period.to}`;
    const total = await callApi(emulator.url, "GET", `/api/v2/aggregated_instance_usage/?${query}`);
    expect(total.result["dollar_value"]).toBe(last);
  });

  it("gives the rows as a zipped table whose cells are no formulas", async () => {
    const url = `${emulator.url}/api/v2/aggregated_instance_usage/download_csv?start_date=${today}&end_date=${period.to}`;
    const response = await fetch(url, { headers: { Cookie: "cli_token=aph0_local" } });
    const files = unzipSync(new Uint8Array(await response.arrayBuffer()));
    const [csv] = Object.values(files).map((bytes) => new TextDecoder().decode(bytes));
    expect(csv?.split("\r\n")[0]).toContain("job_name");
    expect(csv).toContain(`"'=costly"`);
  });

  it("refuses a day that is none", async () => {
    const body = { start_date: "2026-13-01", end_date: today };
    const answer = await callApi(emulator.url, "POST", "/api/v2/aggregated_instance_usage/cluster", body);
    expect([answer.status, answer.error]).toEqual([422, expect.stringContaining("start_date")]);
  });
});
