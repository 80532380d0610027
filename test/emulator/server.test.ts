import { readdirSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TOKEN, startEmulator } from "../../src/emulator/server.ts";
import { aDirectory, aJob, emulatorAt, startTestEmulator } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

const cookie = { Cookie: `cli_token=${DEFAULT_TOKEN}` };
const get = async (path: string, headers: Record<string, string> = cookie) => {
  const response = await fetch(emulator.url + path, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, Record<string, unknown>> };
};

describe("startEmulator", () => {
  it.each([
    ["no token", {}, 401],
    ["a wrong cookie", { Cookie: "cli_token=aph0_wrong" }, 401],
    ["a prefix of the token", { Cookie: "cli_token=aph0_loca" }, 401],
    ["the cookie among others", { Cookie: `a=b; cli_token=${DEFAULT_TOKEN}; c=d` }, 200],
    ["a bearer token", { Authorization: `Bearer ${DEFAULT_TOKEN}` }, 200],
  ])("answers a call with %s", async (_case, headers, status) => {
    const answer = await get("/api/v2/userinfo/", headers);
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.body).toEqual({ error: { detail: "the token is missing or wrong" } });
    else expect(answer.body["result"]?.["id"]).toMatch(/^usr_/);
  });

  it("protects its own routes and signed URLs alike", async () => {
    expect((await get("/emulator/ledger", {})).status).toBe(401);
    expect((await get("/emulator/faults", {})).status).toBe(401);
    expect((await get("/bucket/joblogs/job_1?from=0&to=9&signature=00")).status).toBe(403);
    const put = await fetch(`${emulator.url}/bucket/runtime_env_packages/pkg_1.zip`, { method: "PUT", body: "x" });
    expect(put.status).toBe(403);
  });

  it.each(["/api/v2/userinfo", "/api/v2/decorated_ha_jobs", "/ext/v0/clouds/default/", "/nowhere"])(
    "takes trailing slashes as they are: %s is no route",
    async (path) => {
      const { status, body } = await get(path);
      expect([status, body["error"]?.["detail"]]).toEqual([404, `GET ${path} is no route of the emulator`]);
    },
  );

  it.each(["/ext/v0/production_jobs/prodjob_1", "/api/v2/services-v2/service2_1", "/ext/v0/clouds/cld_other"])(
    "answers 404 in the API's form for the unknown %s",
    async (path) => {
      const { status, body } = await get(path);
      expect([status, typeof body["error"]?.["detail"]]).toEqual([404, "string"]);
    },
  );

  it("names the field of a body that is wrong", async () => {
    const post = async (body: string) =>
      await fetch(`${emulator.url}/api/v2/decorated_ha_jobs/create`, { method: "POST", headers: cookie, body });
    const answer = await post(JSON.stringify({ name: "n", config: { entrypoint: "true", max_retries: "two" } }));
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain("config.max_retries");
    expect((await post("{")).status).toBe(400);
  });

  it.each(["/api/v2/cli_usage/", "/emulator/faults"])(
    "refuses a body above 4 MiB at %s, told its length or not",
    async (path) => {
      const piece = new Uint8Array(1024 * 1024).fill(0x20);
      let left = 5;
      const pull = (controller: ReadableStreamDefaultController) =>
        left-- === 0 ? controller.close() : controller.enqueue(piece);
      const post = async (body: BodyInit, init: { duplex?: "half" } = {}) => {
        const answer = await fetch(emulator.url + path, { method: "POST", headers: cookie, body, ...init });
        return answer.status;
      };
      expect(await post(new Uint8Array(5 * piece.length))).toBe(413);
      expect(await post(new ReadableStream({ pull }), { duplex: "half" })).toBe(413);
    },
  );

  it.each(["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example"])(
    "with the default token, answers no page that a browser took for %s",
    async (host) => {
      const status = async (name: string) =>
        await new Promise((done, failed) => {
          const call = request(`${emulator.url}/api/v2/userinfo/`, { headers: { ...cookie, Host: name } }, (answer) => {
            answer.resume();
            done(answer.statusCode);
          });
          call.once("error", failed).end();
        });
      expect(await status(host)).toBe(403);
      for (const name of ["localhost:9000", "127.0.0.1", "[::1]:9000"]) expect(await status(name)).toBe(200);
    },
  );

  it("pages its lists", async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 3; i++) ids.add((await emulator.client.jobs.submit(aJob({ name: "paged" }))).id);
    const list = async (query: string) => {
      const response = await fetch(`${emulator.url}/api/v2/decorated_ha_jobs/?name=paged&count=2${query}`, {
        headers: cookie,
      });
      return (await response.json()) as { results: { id: string }[]; metadata: Record<string, unknown> };
    };
    const first = await list("");
    expect(first.metadata).toEqual({ total: 3, next_paging_token: expect.any(String) });
    const second = await list(`&paging_token=${String(first.metadata["next_paging_token"])}`);
    expect(second.metadata).toEqual({ total: 3, next_paging_token: null });
    expect(new Set([...first.results, ...second.results].map(({ id }) => id))).toEqual(ids);
  });

  it("refuses another host than loopback with the default token, and a port that is taken", async () => {
    const stateDirectory = aDirectory();
    await expect(startEmulator({ port: 0, host: "0.0.0.0", stateDirectory })).rejects.toThrow("ANYSCALE_CLI_TOKEN");
    const port = Number(new URL(emulator.url).port);
    await expect(startEmulator({ port, stateDirectory })).rejects.toMatchObject({ code: "EADDRINUSE" });
    rmSync(stateDirectory, { recursive: true });
  });

  it("keeps a state directory that it makes from other users", async () => {
    const stateDirectory = join(aDirectory(), "state");
    await (await startEmulator({ port: 0, stateDirectory })).stop();
    expect(statSync(stateDirectory).mode & 0o077).toBe(0);
    rmSync(dirname(stateDirectory), { recursive: true });
  });

  it("removes uploads that a kill cut off, and keeps those that are whole", async () => {
    const stateDirectory = aDirectory({ "bucket/partial_1.tmp": "half", "bucket/pkg_1.zip": "whole" });
    await (await startEmulator({ port: 0, stateDirectory })).stop();
    expect(readdirSync(join(stateDirectory, "bucket"))).toEqual(["pkg_1.zip"]);
    rmSync(stateDirectory, { recursive: true });
  });

  it("goes on with a ledger whose last line a kill cut off", async () => {
    const stateDirectory = aDirectory({ "ledger.jsonl": `{"time":"2026-01-01T00:00:00Z","request":{}` });
    const next = await startEmulator({ port: 0, stateDirectory });
    await emulatorAt(next.url).client.user();
    expect((await emulatorAt(next.url).ledger()).map(({ path }) => path)).toEqual(["/api/v2/userinfo/"]);
    await next.stop();
    rmSync(stateDirectory, { recursive: true });
  });

  it.each([
    ["is cut off", "{"],
    ["is of another form", "{}"],
  ])("does not start over a record that %s, and names the file", async (_case, text) => {
    const stateDirectory = aDirectory({ "jobs/prodjob_1.json": text });
    const start = startEmulator({ port: 0, stateDirectory });
    await expect(start).rejects.toThrow(`${stateDirectory}/jobs/prodjob_1.json cannot be read; remove it`);
    rmSync(stateDirectory, { recursive: true });
  });
});
