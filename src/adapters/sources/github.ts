/**
 * Reads issues of a GitHub repository with their comments, in the order in which they changed. An issue that changes while
 * it is read moves to the end of that order and is met again there.
 */
import { z } from "zod";
import type { GithubSource } from "../../domain/github-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import { githubAdvice, githubHeaders } from "./github-call.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { callService, isNotFound } from "./service-call.ts";

/** Issues and comments asked for at once, the most GitHub gives. */
const pageSize = "100";
/** Each pass starts this much before the last one's end: GitHub's lists follow changes with some delay. */
const overlapMs = 60_000;

const issueSchema = z.looseObject({
  number: z.number(),
  html_url: z.string(),
  /** To the second: several issues may share it. */
  updated_at: z.string(),
  comments: z.number().default(0),
  pull_request: z.unknown().optional(),
});
type Issue = z.infer<typeof issueSchema>;

const commentSchema = z.looseObject({ body: z.string().nullish() });

/** Everything that changed before has been met. */
const cursorSchema = z.strictObject({ updatedTo: z.string() });

/** Issues with their comments. Reactions alone do not count as a change at GitHub. */
export const readGithub: ItemReader<GithubSource> = async function* (source, text, context) {
  let updatedTo = text === null ? startOf(source) : parseCursor(source.id, cursorSchema, text).updatedTo;
  let since = text === null ? updatedTo : before(updatedTo);
  let place: Record<string, string> = {};
  for (;;) {
    const query = { state: "all", sort: "updated", direction: "asc", since, per_page: pageSize, ...place };
    const { value: issues, headers } = await call(source, context, "issues", query, z.array(issueSchema));
    const items: RawItem[] = [];
    for (const issue of issues) {
      if (issue.pull_request !== undefined) continue;
      const comments = await commentsOf(source, context, issue);
      if (comments !== null) items.push(toItem(issue, comments));
    }
    const last = issues.at(-1)?.updated_at ?? since;
    // Of the overlap nothing may be left: that is no reason to go back.
    if (last > updatedTo) updatedTo = last;
    yield { items, cursor: JSON.stringify({ updatedTo }) };
    const next = nextPage(headers["link"]);
    if (next === null) return;
    // Asking anew from the last change is safe however the list moved meanwhile; pages are for more issues of one second.
    place = last > since ? {} : next;
    since = last;
  }
};

type Comment = z.infer<typeof commentSchema>;

/** Null when the issue has gone since. */
async function commentsOf(source: GithubSource, context: ReadContext, issue: Issue): Promise<Comment[] | null> {
  const comments: Comment[] = [];
  let place: Record<string, string> | null = issue.comments > 0 ? {} : null;
  while (place !== null) {
    try {
      const query = { per_page: pageSize, ...place };
      const page = await call(source, context, `issues/${issue.number}/comments`, query, z.array(commentSchema));
      comments.push(...page.value);
      place = nextPage(page.headers["link"]);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }
  return comments;
}

function toItem(issue: Issue, comments: Comment[]): RawItem {
  const value = { ...issue, comment_count: issue.comments, comments };
  return { id: String(issue.number), at: issue.html_url, receivedAt: issue.updated_at, value };
}

async function call<T extends z.ZodType>(
  source: GithubSource,
  context: ReadContext,
  path: string,
  query: Record<string, string>,
  schema: T,
): Promise<{ value: z.infer<T>; headers: Record<string, string> }> {
  const url = `${source.apiUrl}/repos/${source.repository}/${path}?${new URLSearchParams(query)}`;
  const headers = githubHeaders(source.tokenSecret === undefined ? null : context.secret(source.tokenSecret));
  return await callService(context, source, { url, headers }, schema, githubAdvice(source));
}

/**
 * What to add to the query for the next page, from a Link header; null on the last page. Only that is taken from the
 * address there: where the token goes is for the definition to say.
 */
export function nextPage(link: string | undefined): Record<string, string> | null {
  const target = /<([^<>]+)>\s*;[^<,]*\brel="next"/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target)) return null;
  const { searchParams } = new URL(target);
  const place = ["page", "after"].flatMap((name) => {
    const value = searchParams.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return place.length === 0 ? null : Object.fromEntries(place);
}

function startOf({ since }: GithubSource): string {
  return seconds(since === undefined ? 0 : Date.parse(since));
}

function before(updatedTo: string): string {
  return seconds(Math.max(0, Date.parse(updatedTo) - overlapMs));
}

/** ISO-8601 to the second, as GitHub writes times, so that they compare as text. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
