import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { nextPage, readGithub } from "../../../src/adapters/sources/github.ts";
import { githubSourceSchema, type GithubSource } from "../../../src/domain/github-source-schema.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import { githubToken, startGithubFake, type GithubFake } from "../../support/github-fake.ts";
import { failureOfPass, playHistory, readContext, readPass } from "../../support/source-reading.ts";

let fake: GithubFake;
afterEach(() => fake.stop());

function aSource(overrides: Partial<GithubSource> = {}): GithubSource {
  return githubSourceSchema.parse({
    id: "issues",
    kind: "github",
    repository: "acme/widgets",
    tokenSecret: "GITHUB_TOKEN",
    apiUrl: fake.url,
    ...overrides,
  });
}

function context(token = githubToken) {
  return readContext({ hosts: [fake.host], secrets: { GITHUB_TOKEN: token } });
}

describe("readGithub", () => {
  it("makes one item of an issue with its comments, and none of a pull request", async () => {
    fake = await startGithubFake();
    const { items } = await readPass(readGithub, aSource(), null, context());
    expect(items.map(({ id }) => id)).toEqual(["41", "43"]);
    expect(items[0]).toMatchObject({
      at: "https://github.com/acme/widgets/issues/41",
      receivedAt: "2026-01-05T12:30:00Z",
      value: {
        title: "Widget does not start behind a proxy",
        comment_count: 2,
        comments: [{ id: 9001 }, { id: 9002 }],
      },
    });
  });

  it.each([undefined, "2026-12-01"])("ends where it began when there is nothing new, since %s", async (since) => {
    fake = await startGithubFake();
    const { cursor } = await readPass(readGithub, aSource({ since }), null, context());
    expect((await readPass(readGithub, aSource({ since }), cursor, context())).cursor).toBe(cursor);
  });

  it("gives the mapping that comes with it a maintainer's answer as the assistant's", async () => {
    fake = await startGithubFake();
    const source = aSource();
    const { items } = await readPass(readGithub, source, null, context());
    const made = items.map(({ value }) => compileMapping(source.map)(value));
    expect(made[0]).toEqual({
      chat: {
        messages: [
          { role: "user", content: expect.stringMatching(/^Widget does not start behind a proxy\n\nBehind our proxy/) },
          { role: "assistant", content: expect.stringContaining("HTTPS_PROXY") },
        ],
        author: "ortega-i",
        group: "https://github.com/acme/widgets/issues/41",
        labels: { labels: "question", thumbsUp: 1 },
      },
    });
    expect(made[1]).toHaveProperty("leftOut");
  });

  it("reads a public repository without a token, and only what changed since `since`", async () => {
    fake = await startGithubFake();
    const source = aSource({ tokenSecret: undefined, since: "2026-01-06" });
    const { items } = await readPass(readGithub, source, null, context());
    expect(items.map(({ id }) => id)).toEqual(["43"]);
    expect(fake.requests[0]?.headers["authorization"]).toBeUndefined();
  });

  it("follows the pages of comments, and leaves out an issue that is deleted meanwhile", async () => {
    fake = await startGithubFake();
    fake.limits.page = 1;
    expect((await readPass(readGithub, aSource(), null, context())).items[0]?.value).toMatchObject({
      comments: [{ id: 9001 }, { id: 9002 }],
    });
    fake.fail({ status: 404, path: /41\/comments/, times: 9, body: { message: "Not Found" } });
    expect((await readPass(readGithub, aSource(), null, context())).items.map(({ id }) => id)).toEqual(["43"]);
  });

  it("skips nothing when an issue that was read leaves its page while pages have numbers", async () => {
    fake = await startGithubFake({ issues: new Map(), comments: new Map(), discussions: new Map() });
    Object.assign(fake.limits, { page: 1, byNumber: true });
    const world = new Repository(fake);
    for (let count = 0; count < 4; count++) {
      world.happen({ kind: "open", pick: 0 });
      world.happen({ kind: "wait", pick: 99 });
    }
    fake.meanwhile(() => {
      if (fake.requests.length === 2) world.happen({ kind: "edit", pick: 0 });
    });
    const { items } = await readPass(readGithub, aSource(), null, context());
    expect(new Set(items.map(({ id }) => id))).toEqual(new Set(["1", "2", "3", "4"]));
  });

  it("waits for GitHub's limits as their headers say, and knows them when they do not", async () => {
    fake = await startGithubFake();
    const inOneSecond = String(Math.floor(Date.now() / 1000));
    const primary = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inOneSecond };
    fake.fail({ status: 403, headers: primary, body: { message: "API rate limit exceeded for user ID 501." } });
    expect((await readPass(readGithub, aSource(), null, context())).items).toHaveLength(2);

    const inAnHour = String(Math.floor(Date.now() / 1000) + 3600);
    fake.fail({ status: 429, headers: { ...primary, "x-ratelimit-reset": inAnHour }, body: {} });
    const long = await failureOfPass(readGithub, aSource(), context());
    expect(long.type).toBe("RateLimited");
    expect(long.retryAfterMs).toBeGreaterThan(3_500_000);

    const message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    fake.fail({ status: 403, body: { message } });
    expect(await failureOfPass(readGithub, aSource(), context())).toMatchObject({
      type: "RateLimited",
      retryAfterMs: 60_000,
    });
  });

  it.each([
    [{ status: 401, body: { message: "Bad credentials" } }, "Refused", "GITHUB_TOKEN is not valid"],
    [{ status: 403, body: { message: "Resource not accessible" } }, "Refused", "needs to read acme/widgets"],
    [{ status: 404, body: { message: "Not Found" } }, "NotFound", "private repository"],
    [{ status: 410, body: { message: "Issues are disabled for this repo" } }, "NotFound", "switched off"],
    [{ status: 502, body: "<html>unicorn</html>" }, "Unavailable", "502"],
    [{ status: 200, body: "<html>sign in</html>" }, "Unavailable", "not JSON"],
    [{ status: 200, body: [{ number: "41" }] }, "InvalidData", "0.number"],
    [{ status: 200, hangUp: true }, "Unavailable", "issues"],
  ])("names the source and what to do when %o is answered", async (fault, type, advice) => {
    fake = await startGithubFake();
    fake.fail(fault);
    const failure = await failureOfPass(readGithub, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source issues: ") });
    expect(failure.message).toContain(advice);
    expect(failure.message).not.toContain(githubToken);
  });

  it("never skips: every issue is met as it became, however many share a second", async () => {
    const event = fc.record({
      kind: fc.constantFrom("open", "edit", "comment", "import", "wait", "read", "crash"),
      pick: fc.nat(1000),
    });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      async (events, page) => {
        fake = await startGithubFake({ issues: new Map(), comments: new Map(), discussions: new Map() });
        fake.limits.page = page;
        const world = new Repository(fake);
        const met = new Map<string, string>();
        let cursor: string | null = null;
        const read = async (pages?: number): Promise<void> => {
          const pass = await readPass(readGithub, aSource(), cursor, context(), pages);
          for (const { id, value } of pass.items) met.set(id, shape(value));
          cursor = pass.cursor;
        };
        await playHistory(fake, events, (event) => world.happen(event), read);
        await read();
        for (const issue of fake.issues.values())
          expect(met.get(String(issue.number))).toBe(shape({ ...issue, comments: fake.comments.get(issue.number) }));
        await fake.stop();
      },
    );
    await fc.assert(runs, { numRuns: 25 });
    fake = await startGithubFake();
  });
});

describe("nextPage", () => {
  it.each([
    [undefined, null],
    ['<https://api.github.com/r/issues?page=3>; rel="prev"', null],
    ['<https://evil.example/x?after=A%3D&page=2&per_page=9>; rel="next"', { page: "2", after: "A=" }],
    ['<https://a.example/i?page=1>; rel="prev", <https://a.example/i?page=3>; rel="next"', { page: "3" }],
    ['<not an address>; rel="next"', null],
  ])("takes of %j only %j", (link, place) => {
    expect(nextPage(link)).toEqual(place);
  });
});

class Repository {
  readonly #content: GithubFake;
  #ms = Date.parse("2026-01-05T00:00:00Z");

  constructor(content: GithubFake) {
    this.#content = content;
  }

  happen({ kind, pick }: { kind: string; pick: number }): void {
    if (kind === "wait") this.#ms += (pick % 100) * 1000;
    else if (kind === "open") this.#open();
    else if (kind === "import") for (let left = 5; left > 0; left--) this.#open();
    else this.#change(kind, pick);
  }

  #open(): void {
    const number = this.#content.issues.size + 1;
    const issue = { number, title: "Q", state: "open", html_url: `https://github.com/acme/widgets/issues/${number}` };
    this.#content.issues.set(number, { ...issue, updated_at: this.#now(), comments: 0 });
    this.#content.comments.set(number, []);
  }

  #change(kind: string, pick: number): void {
    const { issues, comments } = this.#content;
    const issue = issues.get(1 + (pick % Math.max(1, issues.size)));
    if (issue === undefined) return;
    if (kind === "edit") issue.title = `edited ${pick}`;
    else comments.get(issue.number)?.push({ id: pick, body: "A" });
    Object.assign(issue, { comments: comments.get(issue.number)?.length, updated_at: this.#now() });
  }

  #now(): string {
    return new Date(this.#ms).toISOString().replace(".000Z", "Z");
  }
}

function shape(value: unknown): string {
  const { title, comments = [] } = value as { title: string; comments?: { id: number }[] };
  return JSON.stringify({ title, comments: comments.map(({ id }) => id) });
}
