/** A local stand-in for what is read of GitHub: issues and their comments over REST, discussions over GraphQL. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** An issue or pull request, as its list shows it. */
export interface GithubFakeIssue {
  number: number;
  title: string;
  state: string;
  /** To the second. */
  updated_at: string;
  [field: string]: unknown;
}

/** A discussion with all its comments. */
export interface GithubFakeDiscussion {
  id: string;
  number: number;
  updatedAt: string;
  comments: Record<string, unknown>[];
  [field: string]: unknown;
}

/** The content of one repository. */
export interface GithubFakeContent {
  issues: Map<number, GithubFakeIssue>;
  /** By issue. */
  comments: Map<number, Record<string, unknown>[]>;
  discussions: Map<number, GithubFakeDiscussion>;
}

/** A repository to read. */
export interface GithubFake extends ServiceFake, GithubFakeContent {
  /** The most that one answer lists, and whether lists of issues go on by number of page, as they did in former times. */
  limits: { page: number; byNumber: boolean };
}

/** What the stand-in takes for a valid token. */
export const githubToken = "ghp_local_not_a_secret";

/** Serves `acme/widgets`; without arguments as in the fixture. */
export async function startGithubFake(content: GithubFakeContent = fixtureContent()): Promise<GithubFake> {
  const { issues, comments, discussions } = content;
  const limits = { page: 100, byNumber: false };
  const fake = await serveFake((app) => {
    app.use(async (context, next) => {
      const authorization = context.req.header("authorization");
      if (authorization !== undefined && authorization !== `Bearer ${githubToken}`)
        return context.json({ message: "Bad credentials", documentation_url: "https://docs.github.com/rest" }, 401);
      await next();
      context.res.headers.set("x-ratelimit-limit", "5000");
      context.res.headers.set("x-ratelimit-remaining", "4999");
      return undefined;
    });
    app.get("/repos/acme/widgets/issues", (context) => {
      const since = context.req.query("since") ?? "";
      const after = context.req.query("after");
      const sorted = [...issues.values()].toSorted((a, b) => issuePosition(a).localeCompare(issuePosition(b)));
      const rest = sorted.filter(
        (issue) => issue.updated_at >= since && (after === undefined || issuePosition(issue) > atob(after)),
      );
      const page = Number(context.req.query("page") ?? 1);
      const skipped = (page - 1) * limits.page;
      if (limits.byNumber) return linked(context, limits.page, rest.slice(skipped), () => ({ page: String(page + 1) }));
      return linked(context, limits.page, rest, (last) => ({ after: btoa(issuePosition(last)) }));
    });
    app.get("/repos/acme/widgets/issues/:number/comments", (context) => {
      const number = Number(context.req.param("number"));
      if (!issues.has(number)) return context.json({ message: "Not Found", status: "404" }, 404);
      const page = Number(context.req.query("page") ?? 1);
      const size = Math.min(limits.page, Number(context.req.query("per_page") ?? 30));
      const rest = (comments.get(number) ?? []).slice((page - 1) * size);
      return linked(context, limits.page, rest, () => ({ page: String(page + 1) }));
    });
    app.post("/graphql", async (context) => {
      if (context.req.header("authorization") === undefined)
        return context.json({ message: "This endpoint requires you to be authenticated." }, 401);
      const { query, variables } = await context.req.json();
      if (query.includes("node(")) return context.json({ data: { node: moreComments(discussions, variables) } });
      if (variables.owner !== "acme" || variables.name !== "widgets") {
        const message = "Could not resolve to a Repository with the name 'acme/none'.";
        return context.json({
          data: { repository: null },
          errors: [{ type: "NOT_FOUND", path: ["repository"], message }],
        });
      }
      return context.json({ data: { repository: { discussions: newestFirst(discussions, limits.page, variables) } } });
    });
    app.notFound((context) => context.json({ message: "Not Found", status: "404" }, 404));
  });
  return { ...fake, ...content, limits };
}

/** The content of `test/fixtures/sources/github/issues.json`. */
export function fixtureContent(): GithubFakeContent {
  const file = new URL("../fixtures/sources/github/issues.json", import.meta.url);
  const fixture = JSON.parse(readFileSync(file, "utf8"));
  return {
    issues: new Map(fixture.issues.map((issue: GithubFakeIssue) => [issue.number, issue])),
    comments: new Map(
      Object.entries<Record<string, unknown>[]>(fixture.comments).map(([id, all]) => [Number(id), all]),
    ),
    discussions: new Map(
      fixture.discussions.map((discussion: GithubFakeDiscussion) => [discussion.number, discussion]),
    ),
  };
}

/** A page and, when there are more, a `Link` to the next one, as lists of GitHub have it. */
function linked<T>(context: Context, most: number, rest: T[], next: (last: T) => Record<string, string>): Response {
  const size = Math.min(most, Number(context.req.query("per_page") ?? 30));
  const page = rest.slice(0, size);
  const last = page.at(-1);
  if (last !== undefined && rest.length > size) {
    const url = new URL(context.req.url);
    for (const [name, value] of Object.entries(next(last))) url.searchParams.set(name, value);
    context.header("link", `<${url.href}>; rel="next"`);
  }
  return context.json(page);
}

function newestFirst(
  discussions: Map<number, GithubFakeDiscussion>,
  most: number,
  { after, first }: { after?: string; first: number },
) {
  const sorted = [...discussions.values()].toSorted((a, b) => position(b).localeCompare(position(a)));
  const rest = sorted.filter((discussion) => !after || position(discussion) < atob(after));
  const page = rest.slice(0, Math.min(most, first));
  const last = page.at(-1);
  return {
    nodes: page.map((discussion) => ({ ...discussion, comments: someComments(discussion, 0, 2) })),
    pageInfo: { hasNextPage: rest.length > page.length, endCursor: last ? btoa(position(last)) : null },
  };
}

function moreComments(discussions: Map<number, GithubFakeDiscussion>, { id, after }: { id: string; after: string }) {
  const discussion = [...discussions.values()].find((each) => each.id === id);
  return discussion ? { comments: someComments(discussion, Number(after), 100) } : null;
}

function someComments({ comments }: GithubFakeDiscussion, from: number, count: number) {
  const to = from + count;
  return { nodes: comments.slice(from, to), pageInfo: { hasNextPage: to < comments.length, endCursor: String(to) } };
}

function issuePosition({ updated_at, number }: GithubFakeIssue): string {
  return `${updated_at} ${String(number).padStart(6, "0")}`;
}

function position({ updatedAt, number }: GithubFakeDiscussion): string {
  return `${updatedAt} ${String(number).padStart(6, "0")}`;
}
