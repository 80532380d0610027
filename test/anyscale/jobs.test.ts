import { gzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { startApiServer } from "../support/api-server.ts";
import { aJob as aSubmission, inState, startTestEmulator } from "../support/emulator.ts";

/** A client whose answers come from a function of path and query. */
function clientOf(answer: (url: URL, init: RequestInit) => unknown): AnyscaleClient {
  return new AnyscaleClient({
    host: "http://anyscale.test",
    token: "aph0_x",
    fetch: async (url, init) => {
      const body = answer(new URL(url), init);
      return body instanceof Uint8Array ? new Response(new Uint8Array(body)) : Response.json(body);
    },
  });
}

const aJob = (overrides: object) => ({
  id: "prodjob_1",
  name: "games-12",
  created_at: "2026-01-01T00:00:00+00:00",
  project_id: "prj_1",
  config: { entrypoint: "true", something_new: 1 },
  state: { current_state: "A_NEW_STATE" },
  last_job_run_id: "job_1",
  a_new_field: true,
  ...overrides,
});

describe("Jobs.find", () => {
  it("goes through all pages, matches names exactly, puts the newest first, and takes unknown states and fields", async () => {
    const tokens: (string | null)[] = [];
    const client = clientOf((url) => {
      const token = url.searchParams.get("paging_token");
      tokens.push(token);
      return token === null
        ? {
            results: [aJob({ id: "old" }), aJob({ id: "other", name: "games-123" })],
            metadata: { next_paging_token: "more" },
          }
        : { results: [aJob({ id: "new", created_at: "2026-01-02T00:00:00+02:00" })], metadata: {} };
    });
    const found = await client.jobs.find("games-12");
    expect(found.map(({ id }) => id)).toEqual(["new", "old"]);
    expect(found[0]?.state.current_state).toBe("A_NEW_STATE");
    expect(tokens).toEqual([null, "more"]);
  });
});

describe("Jobs.logTail", () => {
  const pieces: Record<string, Uint8Array> = {
    one: new TextEncoder().encode("first\nsec"),
    two: gzipSync(new TextEncoder().encode("ond\nthird \u00e4")),
    three: new TextEncoder().encode("\nlast\n"),
  };
  const downloads: string[] = [];
  const client = clientOf((url, init) => {
    if (url.pathname.startsWith("/ext/")) return { result: aJob({}) };
    const piece = pieces[url.pathname.slice(1)];
    if (piece !== undefined) {
      const headers = new Headers(init.headers);
      expect([headers.get("cookie"), headers.get("authorization")]).toEqual([null, "Bearer log-token"]);
      downloads.push(url.pathname.slice(1));
      return piece;
    }
    const token = url.searchParams.get("next_page_token");
    const names = token === null ? ["one", "two"] : token === "2" ? ["three"] : [];
    return {
      result: {
        log_chunks: names.map((name) => ({ chunk_url: `http://storage.test/${name}` })),
        // A server that never stops handing out tokens: an empty page is the end.
        next_page_token: token === null ? "2" : "3",
        bearer_token: "log-token",
      },
    };
  });

  it("joins plain and compressed pieces and cuts the last lines", async () => {
    expect(await client.jobs.logTail("prodjob_1", { maxLines: 3 })).toEqual(["second", "third \u00e4", "last"]);
    expect(await client.jobs.logTail("prodjob_1", { maxLines: 99 })).toHaveLength(4);
    expect(await client.jobs.logTail("prodjob_1", { maxLines: 0 })).toEqual([]);
  });

  it("downloads no more pieces than the lines need", async () => {
    downloads.length = 0;
    expect(await client.jobs.logTail("prodjob_1", { maxLines: 1 })).toEqual(["last"]);
    expect(downloads).toEqual(["three"]);
  });

  it("is empty before the first attempt", async () => {
    const young = clientOf(() => ({ result: aJob({ last_job_run_id: null }) }));
    expect(await young.jobs.logTail("prodjob_1", { maxLines: 9 })).toEqual([]);
  });
});

describe("Jobs.list", () => {
  it("asks for what the filter says", async () => {
    const { client, requests } = await startApiServer(() => ({ results: [] }));
    await client.jobs.list({
      projectId: "prj_1",
      creatorId: "usr_1",
      states: ["RUNNING", "PENDING"],
      tags: { team: ["a", "b"], run: ["7"] },
      createdAt: { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00+02:00" },
      statusUpdatedAt: { from: "2026-01-01T00:00:00Z" },
      archived: true,
      sortBy: "ENDED_AT",
      sortOrder: "ASC",
      pageSize: 7,
    });
    const query = new URLSearchParams(requests[0]?.split("?")[1]);
    expect([...query]).toEqual([
      ["project_id", "prj_1"],
      ["creator_id", "usr_1"],
      ["type_filter", "BATCH_JOB"],
      ["archive_status", "ALL"],
      ["state_filter", "RUNNING"],
      ["state_filter", "PENDING"],
      ["tag_filter", "team:a"],
      ["tag_filter", "team:b"],
      ["tag_filter", "run:7"],
      ["sort_field", "ENDED_AT"],
      ["sort_order", "ASC"],
      ["created_at_from", "2026-01-01T00:00:00Z"],
      ["created_at_to", "2026-01-02T00:00:00+02:00"],
      ["status_updated_at_from", "2026-01-01T00:00:00Z"],
      ["count", "7"],
    ]);
  });

  it("asks for no more pages than it needs", async () => {
    let id = 0;
    const { client, requests } = await startApiServer(() => {
      return { results: [aJob({ id: `a${id++}` }), aJob({ id: `b${id}` })], metadata: { next_paging_token: `${id}` } };
    });
    expect(await client.jobs.list({ limit: 3 })).toHaveLength(3);
    expect(requests).toHaveLength(2);
  });

  it.each<[object, string]>([
    [{ pageSize: 101 }, "pageSize is 101"],
    [{ createdAt: { from: "yesterday" } }, "filter: createdAt.from:"],
    [{ updatedAt: { after: "2026-01-01T00:00:00Z" } }, "filter: updatedAt:"],
  ])("refuses %j", async (filter, why) => {
    const { client, requests } = await startApiServer(() => ({ results: [] }));
    await expect(client.jobs.list(filter)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(why),
    });
    expect(requests).toEqual([]);
  });
});

describe("Jobs", () => {
  let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
  beforeAll(async () => {
    emulator = await startTestEmulator();
  });
  afterAll(async () => {
    await emulator.stop();
  });

  it("adds, changes, lists and removes tags, by which jobs are found", async () => {
    const { jobs } = emulator.client;
    const { id } = await jobs.submit(aSubmission({ name: "tagged", tags: { team: "ft" } }));
    await jobs.tags.add(id, { team: "llm", run: "7" });
    expect(await jobs.tags.list(id)).toEqual({ team: "llm", run: "7" });
    expect((await jobs.list({ tags: { team: ["ft", "llm"], run: ["7"] } })).map((job) => job.id)).toEqual([id]);
    await jobs.tags.remove(id, ["run", "never-there"]);
    expect(await jobs.tags.list(id)).toEqual({ team: "llm" });
    await expect(jobs.tags.add(id, {})).rejects.toMatchObject({ kind: "invalid" });
    await expect(jobs.tags.remove(id, [])).rejects.toMatchObject({ kind: "invalid" });
    await expect(jobs.tags.list("prodjob_none")).rejects.toMatchObject({ kind: "not-found" });
  });

  it("archives and deletes what has ended, and nothing that runs", async () => {
    const { jobs } = emulator.client;
    const { id } = await jobs.submit(aSubmission({ name: "old", entrypoint: "sleep 60" }));
    await inState(emulator, id, "RUNNING");
    for (const order of [jobs.archive(id), jobs.delete(id)]) {
      await expect(order).rejects.toMatchObject({
        kind: "conflict",
        message: expect.stringContaining("it is RUNNING"),
      });
    }
    await jobs.terminate(id);
    await jobs.wait(id, { pollMs: 10 });
    await jobs.archive(id);
    expect([(await jobs.find("old")).length, (await jobs.find("old", { archived: true })).length]).toEqual([0, 1]);
    expect(await jobs.get(id)).toMatchObject({ id });
    await jobs.delete(id);
    await expect(jobs.get(id)).rejects.toMatchObject({ kind: "not-found" });
  });

  it("lists the runs of a job, the oldest first", async () => {
    const { jobs } = emulator.client;
    const { id } = await jobs.submit(aSubmission({ entrypoint: "exit 1", maxRetries: 2 }));
    expect((await jobs.wait(id, { pollMs: 10 })).outcome).toBe("failed");
    const runs = await jobs.runs(id);
    expect(runs.map(({ status }) => status)).toEqual(["FAILED", "FAILED", "FAILED"]);
    expect(runs.at(-1)?.id).toBe((await jobs.get(id)).last_job_run_id);
    expect(await jobs.runs("prodjob_none")).toEqual([]);
  });
});
