/**
 * Reads tickets of a Zendesk account: the incremental export says which changed, one request for each brings its
 * comments. The export's own cursor is durable, and a ticket that changes comes up in it again.
 */
import { z } from "zod";
import type { ZendeskSource } from "../../domain/zendesk-source-schema.ts";
import { parseCursor } from "./cursor.ts";
import type { ItemReader, RawItem, ReadContext } from "./item-reader.ts";
import { callService, isNotFound, type Advise } from "./service-call.ts";

/** Tickets asked for at once: each may cost a request for its comments, and a pass goes on after the last page. */
const pageSize = 200;
/** Comments asked for at once, the most Zendesk gives. */
const commentsPageSize = 100;
/** Zendesk refuses to start within the last minute. */
const settledMs = 120_000;

const userSchema = z.object({ id: z.number(), name: z.string().nullish(), role: z.string().nullish() });
type User = z.infer<typeof userSchema>;

const ticketSchema = z.looseObject({
  id: z.number(),
  status: z.string(),
  updated_at: z.string(),
  requester_id: z.number().nullish(),
  assignee_id: z.number().nullish(),
});
type Ticket = z.infer<typeof ticketSchema>;

const exportSchema = z.object({
  tickets: z.array(ticketSchema),
  users: z.array(userSchema).default([]),
  after_cursor: z.string().nullish(),
  end_of_stream: z.boolean(),
});

const commentsSchema = z.object({
  comments: z.array(z.looseObject({ author_id: z.number().nullish() })),
  users: z.array(userSchema).default([]),
  meta: z.object({ has_more: z.boolean(), after_cursor: z.string().nullish() }),
});

/** Where the export goes on. */
const cursorSchema = z.object({ after: z.string() });

/** Tickets in the order in which they changed, with their comments; deleted ones are left out. */
export const readZendesk: ItemReader<ZendeskSource> = async function* (source, text, context) {
  let after = text === null ? null : parseCursor(source.id, cursorSchema, text).after;
  for (;;) {
    const [from, place] = after === null ? ["start_time", startOf(source, context)] : ["cursor", after];
    const asked = { [from]: place, per_page: String(pageSize), include: "users" };
    const page = await call(source, context, "incremental/tickets/cursor.json", asked, exportSchema);
    const items: RawItem[] = [];
    for (const ticket of page.tickets) {
      if (!source.statuses.some((status) => status === ticket.status)) continue;
      const comments = await commentsOf(source, context, ticket);
      if (comments !== null) items.push(toItem(source, ticket, comments, page.users));
    }
    after = page.after_cursor ?? after;
    // An account without a ticket has no place to go on from.
    if (after === null) return;
    yield { items, cursor: JSON.stringify({ after }) };
    if (page.end_of_stream) return;
  }
};

type CommentPage = z.infer<typeof commentsSchema>;
type Comments = CommentPage["comments"];

/** The comments of a ticket, each with its author; null when the ticket has been deleted since. */
async function commentsOf(source: ZendeskSource, context: ReadContext, { id }: Ticket): Promise<Comments | null> {
  const comments: Comments = [];
  const asked: Record<string, string> = { "page[size]": String(commentsPageSize), include: "users" };
  try {
    for (;;) {
      const page: CommentPage = await call(source, context, `tickets/${id}/comments.json`, asked, commentsSchema);
      comments.push(...page.comments.map((comment) => ({ ...comment, author: userOf(page.users, comment.author_id) })));
      const next = page.meta.has_more ? page.meta.after_cursor : null;
      if (next === null || next === undefined) return comments;
      asked["page[after]"] = next;
    }
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function toItem(source: ZendeskSource, ticket: Ticket, comments: Comments, users: User[]): RawItem {
  const value = {
    ...ticket,
    requester: userOf(users, ticket.requester_id),
    assignee: userOf(users, ticket.assignee_id),
    comments,
  };
  return {
    id: String(ticket.id),
    at: `${source.url.replace(/\/$/, "")}/agent/tickets/${ticket.id}`,
    receivedAt: ticket.updated_at,
    value,
  };
}

/** Name and role; addresses and telephone numbers of people stay where they are. */
function userOf(users: User[], id: number | null | undefined): User | null {
  return users.find((user) => user.id === id) ?? null;
}

/** Seconds. */
function startOf({ since }: ZendeskSource, context: ReadContext): string {
  const latest = context.now().getTime() - settledMs;
  return String(Math.floor(Math.min(since === undefined ? 0 : Date.parse(since), latest) / 1000));
}

async function call<T extends z.ZodType>(
  source: ZendeskSource,
  context: ReadContext,
  path: string,
  query: Record<string, string>,
  schema: T,
): Promise<z.infer<T>> {
  const token = context.secret(source.tokenSecret);
  const basic = `Basic ${Buffer.from(`${source.email}/token:${token}`).toString("base64")}`;
  const request = {
    url: `${source.url.replace(/\/$/, "")}/api/v2/${path}?${new URLSearchParams(query)}`,
    headers: { authorization: source.email === undefined ? `Bearer ${token}` : basic },
  };
  return (await callService(context, source, request, schema, adviceOn(source))).value;
}

/** What Zendesk means by its refusals. */
function adviceOn({ tokenSecret, email, url }: ZendeskSource): Advise {
  const secret =
    email === undefined ? `the OAuth token in ${tokenSecret}` : `the API token of ${email} in ${tokenSecret}`;
  return ({ status }) => {
    if (status === 401) return { advice: `${secret} is not valid, or token access is off in the Admin Center` };
    if (status === 403) return { advice: `${secret} must be an administrator's: only they may export tickets` };
    if (status === 404) return { advice: `check that ${url} is the account's address` };
    return null;
  };
}
