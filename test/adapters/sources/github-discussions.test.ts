import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { readGithubDiscussions } from "../../../src/adapters/sources/github-discussions.ts";
import {
  githubDiscussionsSourceSchema,
  type GithubDiscussionsSource,
} from "../../../src/domain/github-source-schema.ts";
import { compileMapping } from "../../../src/domain/mapping.ts";
import { githubToken, startGithubFake, type GithubFake } from "../../support/github-fake.ts";
import { failureOfPass, playHistory, readContext, readPass } from "../../support/source-reading.ts";

let fake: GithubFake;
afterEach(() => fake.stop());

function aSource(overrides: Partial<GithubDiscussionsSource> = {}): GithubDiscussionsSource {
  return githubDiscussionsSourceSchema.parse({
    id: "forum",
    kind: "github-discussions",
    repository: "acme/widgets",
    tokenSecret: "GITHUB_TOKEN",
    apiUrl: fake.url,
    ...overrides,
  });
}

function context() {
  return readContext({ hosts: [fake.host], secrets: { GITHUB_TOKEN: githubToken } });
}

describe("readGithubDiscussions", () => {
  it("makes one item of a discussion with its comments and their replies", async () => {
    fake = await startGithubFake();
    const { items } = await readPass(readGithubDiscussions, aSource(), null, context());
    expect(items.map(({ id }) => id)).toEqual(["51", "50"]);
    expect(items[1]).toMatchObject({
      at: "https://github.com/acme/widgets/discussions/50",
      receivedAt: "2026-01-04T15:00:00Z",
      value: { title: "How do I pin a version?", comments: [{ isAnswer: true, replies: [{ isAnswer: false }] }] },
    });
  });

  it("ends where it began when there is nothing new", async () => {
    fake = await startGithubFake();
    const { cursor } = await readPass(readGithubDiscussions, aSource(), null, context());
    expect((await readPass(readGithubDiscussions, aSource(), cursor, context())).cursor).toBe(cursor);
  });

  it("gives the mapping that comes with it the chosen answer", async () => {
    fake = await startGithubFake();
    const source = aSource();
    const { items } = await readPass(readGithubDiscussions, source, null, context());
    const made = items.map(({ value }) => compileMapping(source.map)(value));
    expect(made[0]).toHaveProperty("leftOut");
    expect(made[1]).toEqual({
      chat: {
        messages: [
          { role: "user", content: expect.stringMatching(/^How do I pin a version\?\n\nOur build/) },
          { role: "assistant", content: expect.stringContaining("widgets==3.2.*") },
        ],
        author: "lind-t",
        group: "https://github.com/acme/widgets/discussions/50",
        labels: { category: "Q&A", labels: "build", upvotes: 3 },
      },
    });
  });

  it("reads only what changed since the last pass, or since `since`", async () => {
    fake = await startGithubFake();
    const { cursor } = await readPass(readGithubDiscussions, aSource(), null, context());
    expect((await readPass(readGithubDiscussions, aSource(), cursor, context())).items.map(({ id }) => id)).toEqual([
      "51",
    ]);
    const later = await readPass(readGithubDiscussions, aSource({ since: "2026-01-05" }), null, context());
    expect(later.items.map(({ id }) => id)).toEqual(["51"]);
  });

  it("reads all comments of a discussion with many", async () => {
    fake = await startGithubFake();
    const comment = { ...fake.discussions.get(50)!.comments[0], replies: { nodes: [] } };
    fake.discussions
      .get(51)!
      .comments.push(...Array.from({ length: 150 }, (_, id) => ({ ...comment, id: `DC_${id}` })));
    const { items } = await readPass(readGithubDiscussions, aSource(), null, context());
    const { comments } = items[0]!.value as { comments: { id: string }[] };
    expect(comments.map(({ id }) => id)).toEqual(Array.from({ length: 150 }, (_, id) => `DC_${id}`));
  });

  it.each([
    ["NOT_FOUND", "NotFound", "check the repository"],
    ["FORBIDDEN", "Refused", "read discussions"],
    ["RATE_LIMITED", "RateLimited", "later"],
    [undefined, "Unavailable", "later"],
  ])("ends with what to do when GraphQL answers %s with status 200", async (type, failureType, advice) => {
    fake = await startGithubFake();
    fake.fail({ status: 200, body: { data: null, errors: [{ ...(type ? { type } : {}), message: "No." }] } });
    const failure = await failureOfPass(readGithubDiscussions, aSource(), context());
    expect(failure).toMatchObject({
      type: failureType,
      message: expect.stringContaining('source forum: GitHub answers "No."'),
    });
    expect(failure.message).toContain(advice);
  });

  it.each([
    [{ status: 401, body: { message: "Bad credentials" } }, "Refused"],
    [{ status: 502, body: "<html>unicorn</html>" }, "Unavailable"],
    [{ status: 200, body: "<html>sign in</html>" }, "Unavailable"],
    [{ status: 200, body: { data: { repository: {} } } }, "InvalidData"],
  ])("names the source when %o is answered", async (fault, type) => {
    fake = await startGithubFake();
    fake.fail(fault);
    const failure = await failureOfPass(readGithubDiscussions, aSource(), context());
    expect(failure).toMatchObject({ type, message: expect.stringContaining("source forum: ") });
  });

  it("never skips: every discussion is met as it became, whatever changes while it is read", async () => {
    const event = fc.record({ kind: fc.constantFrom("open", "comment", "wait", "read", "crash"), pick: fc.nat(1000) });
    const runs = fc.asyncProperty(
      fc.array(event, { maxLength: 40, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      async (events, page) => {
        fake = await startGithubFake({ issues: new Map(), comments: new Map(), discussions: new Map() });
        fake.limits.page = page;
        const clock = { ms: Date.parse("2026-01-05T00:00:00Z") };
        const met = new Map<string, unknown>();
        let cursor: string | null = null;
        const read = async (pages?: number): Promise<void> => {
          const pass = await readPass(readGithubDiscussions, aSource(), cursor, context(), pages);
          for (const { id, value } of pass.items) met.set(id, (value as { comments: unknown[] }).comments.length);
          cursor = pass.cursor;
        };
        await playHistory(fake, events, (event) => happen(fake, clock, event), read);
        await read();
        for (const { number, comments } of fake.discussions.values())
          expect(met.get(String(number))).toBe(comments.length);
        await fake.stop();
      },
    );
    await fc.assert(runs, { numRuns: 25 });
    fake = await startGithubFake();
  });
});

function happen(
  { discussions }: GithubFake,
  clock: { ms: number },
  { kind, pick }: { kind: string; pick: number },
): void {
  if (kind === "wait") clock.ms += (pick % 100) * 1000;
  const updatedAt = new Date(clock.ms).toISOString().replace(".000Z", "Z");
  if (kind === "open") {
    const number = discussions.size + 1;
    const discussion = {
      id: `D_${number}`,
      number,
      title: "Q",
      url: `https://github.com/acme/widgets/discussions/${number}`,
    };
    discussions.set(number, { ...discussion, updatedAt, comments: [] });
  }
  const discussion = discussions.get(1 + (pick % Math.max(1, discussions.size)));
  if (kind !== "comment" || discussion === undefined) return;
  discussion.updatedAt = updatedAt;
  discussion.comments.push({ id: `DC_${pick}`, body: "A", replies: { nodes: [] } });
}
