import { Agent, request } from "undici";
import { z } from "zod";
import { TypedFailure } from "../domain/failures.ts";
import type { Completion, ModelEndpoint } from "../ports.ts";
import { retryAfterMs } from "./rate-limit.ts";

const count = z.int().min(0).nullable().catch(null);

/** What we read of OpenAI's chat completion. What else there is may be missing or of any kind. */
const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          refusal: z.string().nullish().catch(null),
          tool_calls: z.array(z.unknown()).nullish().catch(null),
        }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: count, completion_tokens: count }).nullish().catch(null),
});

/** Largest reply that is read, in bytes: more than the longest answer of a model, and little enough to hold many. */
export const maxReplyBytes = 512 * 1024;

/**
 * Asks any OpenAI-compatible endpoint over HTTP, one attempt a call, over connections that are kept. Redirects are not
 * followed: they would be told the token. Messages of failures hold nothing of what was asked or answered.
 */
export function createHttpModelEndpoint(): ModelEndpoint {
  // The time of the whole request is watched here; the agent's own limits would cut long answers off.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });
  return {
    async complete({ baseUrl, token, serviceVersion, model, messages, temperature, maxTokens, timeoutMs, signal }) {
      if (token !== null && !/^[\x21-\x7e]+$/.test(token))
        throw new TypedFailure("Refused", "the token of the model endpoint has characters that no header may have");
      const reply = await exchange(agent, {
        url: completionsUrl(baseUrl),
        headers: {
          "content-type": "application/json",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(serviceVersion === null ? {} : { "x-anyscale-version": serviceVersion }),
        },
        body: JSON.stringify({
          model,
          messages,
          temperature,
          ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
        }),
        timeoutMs,
        signal,
      });
      if (reply.status !== 200) throw refusal(reply);
      return readCompletion(reply.text);
    },
  };
}

/** A base URL may end in the `/v1` that OpenAI's clients take as part of it. */
function completionsUrl(baseUrl: string): string {
  return `${baseUrl.replace(/\/+(v1\/*)?$/, "")}/v1/chat/completions`;
}

interface Exchange {
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

interface Reply {
  status: number;
  retryAfter: string | null;
  text: string;
}

/** One request and its whole answer. Throws Unavailable when that does not come in time, is cut off or is too long. */
async function exchange(agent: Agent, { url, headers, body, timeoutMs, signal }: Exchange): Promise<Reply> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const cancel = (): void => ended.abort();
  const timer = setTimeout(cancel, timeoutMs);
  signal?.addEventListener("abort", cancel);
  try {
    const reply = await request(url, { dispatcher: agent, method: "POST", headers, body, signal: ended.signal });
    // A connection that breaks after the reply was given up is nobody's concern.
    reply.body.on("error", () => {});
    const retryAfter = reply.headers["retry-after"];
    return {
      status: reply.statusCode,
      retryAfter: typeof retryAfter === "string" ? retryAfter : null,
      text: await readText(reply.body),
    };
  } catch (error) {
    if (error instanceof TypedFailure) throw error;
    signal?.throwIfAborted();
    const why = ended.signal.aborted ? `not within ${timeoutMs / 1000} s` : whyBroken(error);
    throw new TypedFailure("Unavailable", `the model endpoint does not answer: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

/** By its code where it has one: the message of a broken exchange may quote what was sent. */
function whyBroken(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > maxReplyBytes)
      throw new TypedFailure("InvalidData", `the model's reply is longer than ${maxReplyBytes} bytes`);
    pieces.push(piece);
  }
  return (pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)).toString("utf8");
}

/** What a status other than 200 says: whether asking again, or asking something else, can help. */
function refusal({ status, retryAfter }: Reply): TypedFailure {
  const message = `the model endpoint answered ${status}`;
  const patience = retryAfterMs(retryAfter ?? undefined, Date.now());
  const options = patience === null ? {} : { retryAfterMs: patience };
  if (status === 429) return new TypedFailure("RateLimited", message, options);
  if (status >= 500 || status === 408 || status === 409 || status === 425)
    return new TypedFailure("Unavailable", message, options);
  // The question is at fault, such as one that is too long; the next may fare better.
  if (status === 400 || status === 413 || status === 422) return new TypedFailure("InvalidData", message);
  return new TypedFailure("Refused", message);
}

function readCompletion(text: string): Completion {
  const parsed = completionSchema.safeParse(jsonOf(text));
  const message = parsed.data?.choices[0]?.message;
  if (message === undefined)
    throw new TypedFailure("Unavailable", "the model endpoint's reply is not a chat completion");
  const answer = message.content ?? message.refusal ?? "";
  if (answer.trim() === "") {
    const why = message.tool_calls?.length ? "calls a tool instead of answering" : "is empty";
    throw new TypedFailure("InvalidData", `the model's answer ${why}`);
  }
  const { prompt_tokens: promptTokens = null, completion_tokens: completionTokens = null } = parsed.data?.usage ?? {};
  return { answer, promptTokens, completionTokens };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypedFailure("Unavailable", "the model endpoint's reply is not JSON");
  }
}
