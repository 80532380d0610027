import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { JobLogOptions } from "../../src/anyscale/job-logs.ts";
import { ANSWERED, apiJob, type ApiServer, startApiServer } from "../support/api-server.ts";
import { aJob, ended, startTestEmulator, until } from "../support/emulator.ts";

/** Bytes of the heap that are in use once what nobody needs is gone. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

async function read(server: ApiServer, options: JobLogOptions = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of server.client.jobs.logs("prodjob_1", { pollMs: 1, ...options })) lines.push(line);
  return lines;
}

/** A job whose runs have these logs, as chunks; a page has one chunk, and the token is the next one's number. */
async function serverOf(
  runs: Record<string, Uint8Array[]>,
  onChunk: (n: number, bytes: Uint8Array, response: Parameters<Parameters<typeof startApiServer>[0]>[1]) => unknown = (
    _n,
    bytes,
    response,
  ) => {
    response.end(bytes);
  },
): Promise<ApiServer> {
  let asked = 0;
  const server: ApiServer = await startApiServer((request, response, url) => {
    const [, , , , , run = ""] = url.pathname.split("/");
    if (url.pathname.endsWith("/search")) {
      const found = Object.keys(runs).map((id) => ({ id, name: id, status: "RUNNING", created_at: "" }));
      return { results: { prodjob_1: found } };
    }
    if (url.pathname.startsWith("/ext/")) {
      return { result: apiJob({ state: { current_state: "SUCCESS" }, last_job_run_id: Object.keys(runs).at(-1) }) };
    }
    if (url.pathname.startsWith("/chunk/")) {
      expect([request.headers.cookie, request.headers.authorization]).toEqual([undefined, "Bearer log-token"]);
      const [, , id = "", index] = url.pathname.split("/");
      onChunk(asked++, runs[id]?.[Number(index)] ?? new Uint8Array(), response);
      return ANSWERED;
    }
    const index = Number(url.searchParams.get("next_page_token") ?? 0);
    const chunks = runs[run]?.[index] ? [{ chunk_url: `${server.url}/chunk/${run}/${index}?signature=s` }] : [];
    const next = chunks.length === 0 ? null : String(index + 1);
    return { result: { log_chunks: chunks, next_page_token: next, bearer_token: "log-token" } };
  });
  return server;
}

describe("Jobs.logs", () => {
  it("joins lines and characters that lie across chunks, plain and compressed, and keeps the last line without a break", async () => {
    const text = "first\nsecönd 🎈\r\n\nlast";
    const bytes = utf8(text);
    for (let cut = 1; cut < bytes.length; cut++) {
      const server = await serverOf({ job_1: [bytes.slice(0, cut), gzipSync(bytes.slice(cut))] });
      expect(await read(server)).toEqual(["first", "secönd 🎈", "", "last"]);
    }
  });

  it("reads the log of every run, one after the other, or of one", async () => {
    const runs = { job_1: [utf8("one\nend of one")], job_2: [], job_3: [utf8("three\n")] };
    const server = await serverOf(runs);
    expect(await read(server)).toEqual(["one", "end of one", "three"]);
    expect(await read(server, { run: "job_3" })).toEqual(["three"]);
    expect(await read(server, { follow: true })).toEqual(["one", "end of one", "three"]);
  });

  it.each([
    ["plain", false],
    ["compressed", true],
  ])("goes on where a connection was lost, no line twice or lost: %s", async (_case, compressed) => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index} ${"ü".repeat(index % 50)}`);
    const bytes = utf8(lines.join("\n"));
    const chunks = [bytes.slice(0, 100_001), bytes.slice(100_001, 200_000), bytes.slice(200_000)];
    const sent = chunks.map((chunk) => (compressed ? gzipSync(chunk) : chunk));
    let lost = 0;
    const server = await serverOf({ job_1: sent }, (n, chunk, response) => {
      if (n % 4 === 3) {
        response.end(chunk);
        return;
      }
      lost++;
      response.writeHead(n % 4 === 0 ? 500 : 200, { "content-length": chunk.length });
      response.write(chunk.slice(0, (chunk.length * (n % 4)) / 4), () => response.destroy());
    });
    expect(await read(server)).toEqual(lines);
    expect(lost).toBeGreaterThan(6);
  });

  it("gives up with the failure when nothing comes for too long", async () => {
    const server = await serverOf({ job_1: [utf8("a\nb")] }, (n, chunk, response) => {
      response.writeHead(200, { "content-length": 9 });
      if (n === 0) response.write(chunk, () => response.destroy());
      else response.destroy();
    });
    const lines: string[] = [];
    const reading = (async () => {
      for await (const line of server.client.jobs.logs("prodjob_1", { pollMs: 1, retryMs: 50 })) lines.push(line);
    })();
    await expect(reading).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.not.stringContaining("signature"),
    });
    expect(lines).toEqual(["a"]);
  });

  it("never takes a page of HTML for a piece of the log", async () => {
    const emulator = await startTestEmulator();
    const { id } = await emulator.client.jobs.submit(aJob({ entrypoint: "seq 1 300000" }));
    await ended(emulator, id);
    const fault = { match: { path: "/joblogs/" }, times: 2, effect: { kind: "html" } };
    await emulator.fault(fault);
    let count = 0;
    for await (const line of emulator.client.jobs.logs(id, { pollMs: 1 })) expect(line).toBe(String(++count));
    expect(count).toBe(300_000);
    await emulator.fault(fault);
    await expect(emulator.client.jobs.logTail(id, { maxLines: 1 })).rejects.toMatchObject({ kind: "unavailable" });
    await emulator.stop();
  });

  it("gives up at once when the server asks for more time than failures are repeated for", async () => {
    const emulator = await startTestEmulator();
    const { id } = await emulator.client.jobs.submit(aJob());
    await until("its run", async () => (await emulator.client.jobs.runs(id)).length > 0);
    const effect = { kind: "status", status: 429, retryAfterSeconds: 3600 };
    await emulator.fault({ match: { path: "job_logs_download" }, times: 9, effect });
    const reading = emulator.client.jobs.logs(id, { retryMs: 5_000 }).next();
    await expect(reading).rejects.toMatchObject({ kind: "rate-limited", retryAfterMs: 3_600_000 });
    await emulator.stop();
  });

  it("ends with a server that hands out tokens for ever, or none", async () => {
    for (const token of ["again", null]) {
      const server: ApiServer = await startApiServer((_request, response, url) => {
        if (url.pathname === "/chunk") {
          response.end("one\ntwo\n");
          return ANSWERED;
        }
        const isFirst = url.searchParams.get("next_page_token") === null;
        const chunks = isFirst || token === null ? [{ chunk_url: `${server.url}/chunk` }] : [];
        return { result: { log_chunks: chunks, next_page_token: token } };
      });
      expect(await read(server, { run: "job_1" })).toEqual(["one", "two"]);
    }
  });

  it("reads 1,000,000 lines in constant memory", async () => {
    const line = (index: number) =>
      `{"step": ${index}, "loss": ${(1 / (index + 1)).toFixed(9)}, "text": "${"x".repeat(40)}"}`;
    const wanted = createHash("sha256");
    const block = 10_000;
    const chunkOf = (from: number) => {
      const lines = Array.from({ length: block }, (_, index) => `${line(from + index)}\n`).join("");
      return utf8(lines);
    };
    const server: ApiServer = await startApiServer((_request, response, url) => {
      const from = Number(url.searchParams.get("next_page_token") ?? 0);
      if (url.pathname === "/chunk") {
        const bytes = chunkOf(Number(url.searchParams.get("from")));
        wanted.update(bytes);
        response.end(bytes);
        return ANSWERED;
      }
      const chunks = from < 1_000_000 ? [{ chunk_url: `${server.url}/chunk?from=${from}` }] : [];
      return { result: { log_chunks: chunks, next_page_token: chunks.length > 0 ? String(from + block) : null } };
    });
    const seen = createHash("sha256");
    let count = 0;
    let least = Infinity;
    let most = 0;
    for await (const text of server.client.jobs.logs("prodjob_1", { run: "job_1" })) {
      seen.update(`${text}\n`);
      count++;
      if (count % 100_000 > 0) continue;
      const bytes = heapInUse();
      least = Math.min(least, bytes);
      most = Math.max(most, bytes);
    }
    expect([count, seen.digest("hex")]).toEqual([1_000_000, wanted.digest("hex")]);
    // The log has 90 MB.
    expect(most - least).toBeLessThan(8 * 1024 * 1024);
  }, 60_000);

  it("cuts a line that has no end", async () => {
    const server = await serverOf({ job_1: Array.from({ length: 5 }, () => utf8("x".repeat(1_000_000))) });
    const lines = await read(server);
    expect(lines.map(({ length }) => length)).toEqual([1_048_576, 1_048_576, 1_048_576, 1_048_576, 805_696]);
  });

  it("stops at once when it is aborted, and asks for nothing more when the caller has seen enough", async () => {
    const controller = new AbortController();
    const server = await serverOf({ job_1: [utf8("a\n"), utf8("b\n"), utf8("c\n")] });
    const reading = (async () => {
      for await (const line of server.client.jobs.logs("prodjob_1", { signal: controller.signal })) {
        if (line === "b") controller.abort(new RangeError("enough"));
      }
    })();
    await expect(reading).rejects.toThrow(RangeError);
    const before = server.requests.length;
    for await (const line of server.client.jobs.logs("prodjob_1", { run: "job_1" })) if (line === "a") break;
    expect(server.requests.slice(before)).toHaveLength(2);
  });

  it("follows a job over its attempts until it has ended, through a lost answer, a hang and pages of HTML", async () => {
    const emulator = await startTestEmulator();
    const directory = emulator.stateDirectory;
    const entrypoint = `if [ -e ${directory}/second ]; then echo last; exit 0; fi
      touch ${directory}/second; for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done; printf 'no break'; exit 1`;
    const { id } = await emulator.client.jobs.submit(aJob({ entrypoint, maxRetries: 1 }));
    await emulator.fault({ match: { path: "production_jobs" }, times: 2, effect: { kind: "status", status: 503 } });
    await emulator.fault({ match: { path: "job_logs_download" }, effect: { kind: "drop" } });
    await emulator.fault({ match: { path: "job_logs_download" }, times: 2, effect: { kind: "html" } });
    const lines: string[] = [];
    for await (const line of emulator.client.jobs.logs(id, { follow: true, pollMs: 20 })) lines.push(line);
    expect(lines).toEqual(["line 1", "line 2", "line 3", "line 4", "line 5", "no break", "last"]);
    expect((await emulator.client.jobs.get(id)).state.current_state).toBe("SUCCESS");
    await emulator.stop();
  });

  it.each([{ follow: false }, { follow: true }])(
    "does not take an unknown job for an empty log: %j",
    async (options) => {
      const emulator = await startTestEmulator();
      const reading = emulator.client.jobs.logs("prodjob_none", options).next();
      await expect(reading).rejects.toMatchObject({ kind: "not-found" });
      await emulator.stop();
    },
  );

  it("waits for the first run of a job that has none yet", async () => {
    let asked = 0;
    const server = await startApiServer((_request, _response, url) => {
      if (url.pathname.endsWith("/search")) return { results: { prodjob_1: [] } };
      if (!url.pathname.startsWith("/ext/")) return { result: { log_chunks: [], next_page_token: null } };
      const state = asked++ < 3 ? "PENDING" : "TERMINATED";
      return { result: apiJob({ state: { current_state: state }, last_job_run_id: null }) };
    });
    expect(await read(server, { follow: true })).toEqual([]);
    await until("four looks", () => asked === 4);
  });
});
