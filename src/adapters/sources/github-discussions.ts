/** Reads discussions of a GitHub repository with their comments over GraphQL, the last changed first. */
import { z } from "zod";
import { TypedFailure, type FailureType } from "../../domain/failures.ts";
import type { GithubDiscussionsSource } from "../../domain/github-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import { githubAdvice, githubHeaders } from "./github-call.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { callService } from "./service-call.ts";

/** Discussions, comments of each and replies to each asked for at once: GitHub allows 500,000 nodes a question. */
const pageSize = 20;
const commentsPageSize = 50;
/** Each pass reads back this far behind where the last one began: GitHub's lists follow changes with some delay. */
const overlapMs = 60_000;

const comments = `pageInfo { hasNextPage endCursor }
  nodes {
    ...said
    replies(first: 50) { nodes { ...said } }
  }`;
const said = `fragment said on DiscussionComment {
  id body url createdAt isAnswer upvoteCount authorAssociation author { login }
  reactionGroups { content reactors { totalCount } }
}`;

const listQuery = `query ($owner: String!, $name: String!, $first: Int!, $comments: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    discussions(first: $first, after: $after, orderBy: { field: UPDATED_AT, direction: DESC }) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id number title body url createdAt updatedAt isAnswered upvoteCount authorAssociation
        author { login } category { name } labels(first: 50) { nodes { name } }
        reactionGroups { content reactors { totalCount } }
        comments(first: $comments) { ${comments} }
      }
    }
  }
}
${said}`;

const commentsQuery = `query ($id: ID!, $comments: Int!, $after: String) {
  node(id: $id) { ... on Discussion { comments(first: $comments, after: $after) { ${comments} } } }
}
${said}`;

const pageInfoSchema = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });
const commentSchema = z.looseObject({ replies: z.object({ nodes: z.array(z.unknown()) }) });
const commentsSchema = z.object({ pageInfo: pageInfoSchema, nodes: z.array(commentSchema) });
const discussionSchema = z.looseObject({
  id: z.string(),
  number: z.number(),
  url: z.string(),
  updatedAt: z.string(),
  labels: z.object({ nodes: z.array(z.unknown()) }).nullish(),
  comments: commentsSchema,
});
type Discussion = z.infer<typeof discussionSchema>;

const listSchema = z.object({
  repository: z.object({ discussions: z.object({ pageInfo: pageInfoSchema, nodes: z.array(discussionSchema) }) }),
});
type DiscussionPage = z.infer<typeof listSchema>["repository"]["discussions"];
const nodeSchema = z.object({ node: z.object({ comments: commentsSchema }).nullable() });

/** Everything that had changed before has been met; null before the first pass has ended. */
const cursorSchema = z.strictObject({ changedTo: z.string().nullable() });

/**
 * Discussions that changed since the last pass began. A discussion that changes during a pass is met in the next one. The
 * cursor moves when a pass ends: one that breaks off starts again, which costs little at a page for each request.
 */
export const readGithubDiscussions: ItemReader<GithubDiscussionsSource> = async function* (source, text, context) {
  const known = text === null ? null : parseCursor(source.id, cursorSchema, text).changedTo;
  const sinceMs = source.since === undefined ? 0 : Date.parse(source.since);
  const untilMs = Math.max(sinceMs, known === null ? 0 : Date.parse(known) - overlapMs);
  let changedTo: string | null = null;
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: DiscussionPage = await list(source, context, after);
    changedTo ??= nodes[0]?.updatedAt ?? null;
    const changed = nodes.filter(({ updatedAt }) => Date.parse(updatedAt) >= untilMs);
    const items: RawItem[] = [];
    for (const discussion of changed) items.push(await toItem(source, context, discussion));
    const last = changed.length < nodes.length || !pageInfo.hasNextPage;
    yield { items, cursor: JSON.stringify({ changedTo: last ? (changedTo ?? known) : known }) };
    if (last) return;
    after = pageInfo.endCursor ?? null;
  }
};

async function list(source: GithubDiscussionsSource, context: ReadContext, after: string | null) {
  const [owner, name] = source.repository.split("/");
  const variables = { owner, name, first: pageSize, comments: commentsPageSize, after };
  return (await ask(source, context, { query: listQuery, variables }, listSchema)).repository.discussions;
}

async function toItem(source: GithubDiscussionsSource, context: ReadContext, discussion: Discussion): Promise<RawItem> {
  const all = [...discussion.comments.nodes];
  let { hasNextPage, endCursor } = discussion.comments.pageInfo;
  while (hasNextPage) {
    const variables = { id: discussion.id, comments: commentsPageSize, after: endCursor };
    const { node } = await ask(source, context, { query: commentsQuery, variables }, nodeSchema);
    // Deleted since it was listed: what was listed counts.
    if (node === null) break;
    all.push(...node.comments.nodes);
    ({ hasNextPage, endCursor } = node.comments.pageInfo);
  }
  const value = {
    ...discussion,
    labels: discussion.labels?.nodes ?? [],
    comments: all.map((comment) => ({ ...comment, replies: comment.replies.nodes })),
  };
  return { id: String(discussion.number), at: discussion.url, receivedAt: discussion.updatedAt, value };
}

const dataSchema = z.object({ data: z.unknown() });
/** What an answer of GraphQL may say instead of data, with status 200. */
const errorsSchema = z.object({
  errors: z.array(z.object({ type: z.string().nullish(), message: z.string() })).min(1),
});

async function ask<T extends z.ZodType>(
  source: GithubDiscussionsSource,
  context: ReadContext,
  question: { query: string; variables: object },
  schema: T,
): Promise<z.infer<T>> {
  const request = {
    // GitHub Enterprise Server has REST at /api/v3 and GraphQL beside it.
    url: `${source.apiUrl.replace(/\/api\/v3$/, "/api")}/graphql`,
    method: "POST" as const,
    headers: { ...githubHeaders(context.secret(source.tokenSecret)), "content-type": "application/json" },
    body: JSON.stringify(question),
  };
  const { value } = await callService(context, source, request, z.unknown(), githubAdvice(source));
  const refused = errorsSchema.safeParse(value);
  if (refused.success) throw refusal(source, refused.data.errors);
  const parsed = schema.safeParse(dataSchema.safeParse(value).data?.data);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".") ?? "data";
  throw new TypedFailure("InvalidData", `source ${source.id}: GitHub's answer is not as expected: ${field}`);
}

function refusal(source: GithubDiscussionsSource, errors: { type?: string | null; message: string }[]): TypedFailure {
  const [type, advice] = meaning(errors.find((error) => error.type)?.type ?? null, source);
  const said = errors.map(({ message }) => message.slice(0, 200)).join("; ");
  return new TypedFailure(type, `source ${source.id}: GitHub answers "${said}": ${advice}`);
}

function meaning(type: string | null, source: GithubDiscussionsSource): [FailureType, string] {
  switch (type) {
    case "RATE_LIMITED":
      return ["RateLimited", "it is asked again later"];
    case "NOT_FOUND":
      return ["NotFound", `check the repository, and that the token in ${source.tokenSecret} may see it`];
    case "FORBIDDEN":
    case "INSUFFICIENT_SCOPES":
      return ["Refused", `give the token in ${source.tokenSecret} the right to read discussions`];
    case null:
    default:
      return ["Unavailable", "it is asked again later"];
  }
}
