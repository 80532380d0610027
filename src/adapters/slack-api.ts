/** Slack's own client over connections that are guarded, and its refusals in words of ours. It makes one attempt. */
import {
  LogLevel,
  WebAPIPlatformError,
  WebAPIRequestError,
  WebClient,
  type FetchFunction,
  type Logger,
} from "@slack/web-api";
import type { SlackBotChoice } from "../domain/alert-choice-schema.ts";
import { TypedFailure, type FailureType } from "../domain/failures.ts";
import { AnswerFailure, type HttpReply, type SafeHttp } from "./safe-http.ts";

const slackApiUrl = "https://slack.com/api/";
/** Of one call, in milliseconds: an attempt makes a few of them. */
const timeoutMs = 8000;
const maxBytes = 2 * 1024 * 1024;

/** Slack refuses, with its own word for why. */
export class SlackRefusal extends TypedFailure {
  readonly code: string;

  constructor(type: FailureType, code: string, message: string) {
    super(type, message);
    this.code = code;
  }
}

/** Calls of Slack's API for one sink. */
export type SlackCall = <T>(call: (client: WebClient) => Promise<T>) => Promise<T>;

/**
 * @param token goes nowhere but into the header; no failure repeats it
 * @returns makes a call; it fails with `SlackRefusal`, `RateLimited`, or `Unavailable` for what may pass
 */
export function createSlackCall(http: SafeHttp, sink: SlackBotChoice, token: string, signal: AbortSignal): SlackCall {
  if (!/^[!-~]+$/.test(token))
    throw new TypedFailure("InvalidInput", `${sink.tokenSecret} must be one word, the bot token of an app (xoxb-...)`);
  const client = new WebClient(token, {
    slackApiUrl: sink.apiUrl ?? slackApiUrl,
    allowAbsoluteUrls: false,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    fetch: guardedFetch(http, signal),
    logger: silence,
  });
  return async (call) => {
    try {
      return await call(client);
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(error, sink);
    }
  };
}

function guardedFetch(http: SafeHttp, signal: AbortSignal): FetchFunction {
  return async (url, { headers = {}, body } = {}) => {
    if (typeof body !== "string") throw new TypedFailure("Internal", "alerts send no files");
    const asked = {
      url: String(url),
      method: "POST" as const,
      headers,
      body,
      signal,
      timeoutMs,
      maxBytes,
      patienceMs: 0,
    };
    const reply = await http.request(asked);
    return new Response(await textOf(reply), { status: reply.status, headers: reply.headers });
  };
}

async function textOf({ body }: HttpReply): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

/** Without its cause: the client's errors hold what was sent. */
function failureOf(error: unknown, sink: SlackBotChoice): TypedFailure {
  if (error instanceof TypedFailure) return error;
  if (error instanceof WebAPIPlatformError) return refusalOf(error.data.error, sink);
  const original = error instanceof WebAPIRequestError ? error.original : error;
  if (original instanceof AnswerFailure) {
    if (isCode(original.said)) return refusalOf(original.said, sink);
    return new TypedFailure(
      original.type,
      `Slack answers ${original.status}; check ${sink.tokenSecret} and the address of its API`,
    );
  }
  if (original instanceof TypedFailure)
    return new TypedFailure(original.type, original.message, retryIn(original.retryAfterMs));
  return new TypedFailure(
    "Unavailable",
    `Slack cannot be reached: ${original instanceof Error ? original.name : "no answer"}`,
  );
}

function retryIn(retryAfterMs: number | null): { retryAfterMs?: number } {
  return retryAfterMs === null ? {} : { retryAfterMs };
}

/** The client takes for Slack's word whatever else an answer says, such as a page. */
function isCode(said: unknown): said is string {
  return typeof said === "string" && /^[a-z][a-z0-9_]{1,60}$/.test(said);
}

function refusalOf(code: unknown, sink: SlackBotChoice): TypedFailure {
  if (!isCode(code)) return new TypedFailure("Unavailable", "Slack answers what is not an answer of its API");
  const [type, advice] = meaningOf(code, sink);
  return new SlackRefusal(type, code, `Slack answers ${code} for channel ${sink.channel}: ${advice}`);
}

/** What Slack's own word for a refusal means here, and what to do. */
function meaningOf(code: string, { tokenSecret }: SlackBotChoice): [FailureType, string] {
  switch (code) {
    case "not_authed":
    case "invalid_auth":
    case "account_inactive":
    case "token_revoked":
    case "token_expired":
    case "not_allowed_token_type":
      return ["Refused", `put the bot token of an installed app (xoxb-...) into ${tokenSecret}`];
    case "missing_scope":
      return ["Refused", "add the scope chat:write to the app and install it again"];
    case "not_in_channel":
      return ["Refused", "invite the app into the channel: /invite @its-name"];
    case "channel_not_found":
      return ["NotFound", "give the channel's id, such as C0123456789; into a private channel the app must be invited"];
    case "is_archived":
    case "restricted_action":
    case "restricted_action_read_only_channel":
      return ["Refused", "choose a channel that the app may write to"];
    case "ratelimited":
    case "rate_limited":
      return ["RateLimited", "it is tried again later"];
    case "internal_error":
    case "fatal_error":
    case "service_unavailable":
    case "request_timeout":
    case "team_added_to_org":
      return ["Unavailable", "it is tried again later"];
    default:
      return ["Refused", "its documentation of chat.postMessage says what that means"];
  }
}

/** The client would write to the console, and what it sends with it. */
const silence: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
