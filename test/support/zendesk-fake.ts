/** A local stand-in for Zendesk's incremental ticket export (cursor-based) and its ticket comments. */
import { readFileSync } from "node:fs";
import type { Context } from "hono";
import { serveFake, type ServiceFake } from "./service-fake.ts";

/** A ticket as the export shows it; `generated_timestamp` (seconds) orders the export. */
export interface ZendeskFakeTicket {
  id: number;
  status: string;
  generated_timestamp: number;
  updated_at: string;
  requester_id: number;
  [field: string]: unknown;
}

/** An account to read. */
export interface ZendeskFake extends ServiceFake {
  tickets: Map<number, ZendeskFakeTicket>;
  /** By ticket. */
  comments: Map<number, Record<string, unknown>[]>;
  users: { id: number; name: string; role: string }[];
  /** Seconds; what changed within the minute before is not exported yet. */
  clock: { now: number };
  /** Zendesk may answer with fewer tickets or comments than asked for. */
  limits: { page: number };
}

/** What the stand-in takes: an API token with this address, or the OAuth token alone. */
export const zendeskAccess = { email: "bot@acme.example", apiToken: "local-not-a-secret", oauthToken: "local-oauth" };

/** Serves an account; without arguments that of the fixture. */
export async function startZendeskFake(
  account: Pick<ZendeskFake, "tickets" | "comments" | "users"> = fixtureAccount(),
  port = 0,
): Promise<ZendeskFake> {
  const { tickets, comments, users } = account;
  const clock = { now: Infinity };
  const limits = { page: Infinity };
  const fake = await serveFake((app) => {
    app.use("/api/*", async (context, next) => {
      if (!allowed(context)) return context.json({ error: "Couldn't authenticate you" }, 401);
      await next();
      context.res.headers.set("x-rate-limit", "700");
      context.res.headers.set("x-rate-limit-remaining", "699");
      return undefined;
    });
    app.get("/api/v2/incremental/tickets/cursor.json", (context) => {
      const limit = Math.min(limits.page, Number(context.req.query("per_page") ?? 1000));
      const all = [...tickets.values()]
        .filter((ticket) => ticket.generated_timestamp < clock.now - 60)
        .toSorted((a, b) => a.generated_timestamp - b.generated_timestamp || a.id - b.id);
      const cursor = context.req.query("cursor");
      const position = cursor === undefined ? null : readCursor(cursor);
      if (position === "broken") {
        return context.json({ error: "InvalidPaginationParameter", description: "cursor is invalid" }, 400);
      }
      const start = Number(context.req.query("start_time"));
      const rest = all.filter((ticket) =>
        position === null
          ? ticket.generated_timestamp >= start
          : ticket.generated_timestamp > position.at ||
            (ticket.generated_timestamp === position.at && ticket.id > position.id),
      );
      const page = rest.slice(0, limit);
      const last = page.at(-1);
      const after = last ? writeCursor(last) : (cursor ?? null);
      const path = `${fake.url}/api/v2/incremental/tickets/cursor.json`;
      return context.json({
        tickets: page,
        ...(context.req.query("include")?.includes("users") ? { users: usersOf(users, page) } : {}),
        after_url: after === null ? null : `${path}?cursor=${encodeURIComponent(after)}`,
        before_url: null,
        after_cursor: after,
        before_cursor: null,
        end_of_stream: rest.length <= limit,
      });
    });
    app.get("/api/v2/tickets/:file/comments.json", (context) => {
      const ticket = Number(context.req.param("file"));
      const all = comments.get(ticket);
      if (all === undefined) return context.json({ error: "RecordNotFound", description: "Not found" }, 404);
      const size = Math.min(limits.page, Number(context.req.query("page[size]") ?? 100));
      const start = Number(context.req.query("page[after]") ?? 0);
      const page = all.slice(start, start + size);
      const more = start + size < all.length;
      return context.json({
        comments: page,
        ...(context.req.query("include") === "users"
          ? { users: users.filter(({ id }) => page.some((comment) => comment["author_id"] === id)) }
          : {}),
        meta: { has_more: more, after_cursor: more ? String(start + size) : null, before_cursor: null },
        links: { next: null, prev: null },
      });
    });
  }, port);
  return { ...fake, ...account, clock, limits };
}

/** The account of `test/fixtures/sources/zendesk/tickets.json`. */
export function fixtureAccount(): Pick<ZendeskFake, "tickets" | "comments" | "users"> {
  const file = new URL("../fixtures/sources/zendesk/tickets.json", import.meta.url);
  const fixture = JSON.parse(readFileSync(file, "utf8"));
  return {
    tickets: new Map(fixture.tickets.map((ticket: ZendeskFakeTicket) => [ticket.id, ticket])),
    comments: new Map(
      Object.entries<Record<string, unknown>[]>(fixture.comments).map(([id, all]) => [Number(id), all]),
    ),
    users: fixture.users,
  };
}

function allowed(context: Context): boolean {
  const { email, apiToken, oauthToken } = zendeskAccess;
  const basic = Buffer.from(`${email}/token:${apiToken}`).toString("base64");
  return [`Basic ${basic}`, `Bearer ${oauthToken}`].includes(context.req.header("authorization") ?? "");
}

function usersOf(users: ZendeskFake["users"], page: ZendeskFakeTicket[]): ZendeskFake["users"] {
  return users.filter(({ id }) => page.some((ticket) => ticket.requester_id === id || ticket["assignee_id"] === id));
}

function writeCursor(ticket: ZendeskFakeTicket): string {
  return Buffer.from(`${ticket.generated_timestamp}.0||${ticket.id}|`).toString("base64");
}

function readCursor(cursor: string): { at: number; id: number } | "broken" {
  const [, at, id] = /^(\d+)\.0\|\|(\d+)\|$/.exec(Buffer.from(cursor, "base64").toString()) ?? [];
  return at === undefined ? "broken" : { at: Number(at), id: Number(id) };
}
