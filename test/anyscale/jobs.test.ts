import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";

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
