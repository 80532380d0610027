import { createHash, timingSafeEqual } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import type { FaultEffect, Faults } from "./faults.ts";
import { now } from "./ids.ts";
import type { Ledger } from "./ledger.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { State } from "./state.ts";

/** What handlers find in their context. `body` is the parsed JSON body, undefined when there is none. */
export interface EmulatorEnv {
  Bindings: HttpBindings;
  Variables: { body: unknown; createdId: string | null };
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;

const HTML = "<!doctype html><title>Welcome</title><p>This is not the API.</p>";

/** What the guard needs from the rest of the emulator. */
export interface GuardContext {
  token: string;
  state: State;
  urls: SignedUrls;
  faults: Faults;
  ledger: Ledger;
}

/** An error answer in the API's form. */
export function errorAnswer(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { detail } }, { status, headers });
}

/** Stands before every API route: checks the token, reads the body, applies ordered faults, writes the ledger. */
export function guard(context: GuardContext): MiddlewareHandler<EmulatorEnv> {
  return async (c, next) => {
    c.set("createdId", null);
    if (!isAuthorized(c, context)) {
      const isBucket = c.req.path.startsWith("/bucket/");
      c.res = errorAnswer(isBucket ? 403 : 401, isBucket ? "the signature is wrong" : "the token is missing or wrong");
      record(c, context, null, { status: c.res.status, acted: null });
      return;
    }
    const problem = await readBody(c);
    const subject = subjectOf(c, context.state);
    const facts = { method: c.req.method, path: c.req.path, name: subject?.name ?? null };
    const effect = problem === null ? context.faults.take(["status", "hang", "drop", "html"], facts) : null;
    if (problem !== null) c.res = problem;
    else if (effect === null) await next();
    const outcome = effect === null ? { status: c.res.status, acted: c.res.status } : await apply(effect, c, next);
    record(c, context, subject, outcome);
    if (effect?.kind === "hang") await hang(effect);
    if (effect?.kind === "drop") c.env.incoming.socket.destroy();
  };
}

async function apply(effect: FaultEffect, c: Context<EmulatorEnv>, next: () => Promise<void>) {
  const acts = effect.kind === "drop" || isAfter(effect) || (effect.kind === "hang" && effect.ms !== undefined);
  if (effect.kind === "hang" && effect.when === "before" && effect.ms !== undefined) await delay(effect.ms);
  if (acts) await next();
  const acted = acts ? c.res.status : null;
  if (effect.kind === "status") {
    const seconds = effect.retryAfterSeconds;
    replace(
      c,
      errorAnswer(effect.status, "fault as ordered", seconds === undefined ? {} : { "Retry-After": `${seconds}` }),
    );
  } else if (effect.kind === "html") {
    replace(c, new Response(HTML, { headers: { "Content-Type": "text/html" } }));
  } else if (effect.kind === "drop" || (effect.kind === "hang" && effect.ms === undefined)) {
    return { status: null, acted };
  }
  return { status: c.res.status, acted };
}

function isAfter(effect: FaultEffect): boolean {
  return (effect.kind === "status" || effect.kind === "hang") && effect.when === "after";
}

/** What is left of a hang when the call stands in the ledger: for ever, or the time before the answer. */
async function hang(effect: FaultEffect & { kind: "hang" }): Promise<void> {
  if (effect.ms === undefined) await new Promise(() => undefined);
  else if (effect.when === "after") await delay(effect.ms);
}

/** Without the reset the headers of the first answer would be kept. */
function replace(c: Context<EmulatorEnv>, answer: Response): void {
  c.res = undefined;
  c.res = answer;
}

/** Whether the call carries the API token, as a cookie or as a bearer token; for the bucket, a signature. */
export function isAuthorized(c: Context<EmulatorEnv>, context: Pick<GuardContext, "token" | "urls">): boolean {
  if (c.req.path.startsWith("/bucket/")) return context.urls.isSigned(c.req.url);
  const cookie = /(?:^|;\s*)cli_token=([^;]*)/.exec(c.req.header("cookie") ?? "")?.[1];
  const bearer = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(cookie ?? bearer ?? ""), digest(context.token));
}

/** Parses a JSON body; answers the refusal of one that cannot be read, else null. */
export async function readBody(c: Context<EmulatorEnv>): Promise<Response | null> {
  c.set("body", undefined);
  if (c.req.method === "GET" || c.req.path.startsWith("/bucket/")) return null;
  const text = await readText(c);
  if (text === null) return errorAnswer(413, `the body is above ${MAX_BODY_BYTES} bytes`);
  if (text === "") return null;
  try {
    c.set("body", JSON.parse(text));
    return null;
  } catch {
    return errorAnswer(400, "the body is not JSON");
  }
}

/** The body as text; null for one that is too large: it is read to its end, so that the caller hears the answer, and not kept. */
async function readText(c: Context<EmulatorEnv>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString();
}

const namedSchema = z.object({ name: z.string() });
const versionsSchema = z.object({ service_versions: z.tuple([namedSchema], z.unknown()) });
const idsSchema = z.object({ ha_job_ids: z.array(z.string()).min(1) });

/** An id of a job, a run or a service, as `newId` makes them: routes have names such as `job_runs` too. */
const ID = /(?:prodjob|service2|job)_[0-9a-f]{24}/;

/** The job or service that a call concerns, by the id in its path, else by the name or id that it asks for. */
function subjectOf(c: Context<EmulatorEnv>, state: State): { name: string; id: string | null } | null {
  const body = c.get("body");
  const [id = idsSchema.safeParse(body).data?.ha_job_ids[0]] = ID.exec(c.req.path) ?? [];
  if (id !== undefined) {
    const job = state.jobs.get(id) ?? state.jobs.all().find(({ attempts }) => attempts.some((run) => run.id === id));
    const name = job?.request.name ?? state.services.get(id)?.name;
    if (name !== undefined) return { name, id: job?.id ?? id };
  }
  if (!/^\/api\/v2\/(decorated_ha_jobs|services-v2)\//.test(c.req.path)) return null;
  const versions = versionsSchema.safeParse(body).data?.service_versions;
  const name = namedSchema.safeParse(body).data?.name ?? versions?.[0].name ?? c.req.query("name");
  return name === undefined ? null : { name, id: null };
}

const essentialsSchema = z.object({
  version: z.string().optional(),
  canary_percent: z.number().optional(),
  auto_complete_rollout: z.boolean().optional(),
  config: z
    .object({
      entrypoint: z.string().optional(),
      max_retries: z.number().optional(),
      timeout_s: z.number().nullish(),
    })
    .optional(),
});

function record(
  c: Context<EmulatorEnv>,
  context: GuardContext,
  subject: { name: string; id: string | null } | null,
  outcome: { status: number | null; acted: number | null },
): void {
  context.ledger.append({
    time: now(),
    method: c.req.method,
    path: c.req.path,
    name: subject?.name ?? null,
    id: c.get("createdId") ?? subject?.id ?? null,
    caller: c.req.header("x-anyscale-client") ?? c.req.header("user-agent") ?? "unknown",
    ...outcome,
    request: essentialsSchema.safeParse(c.get("body")).data ?? {},
  });
}
