import { z } from "zod";
import { TypedFailure } from "../domain/failures.ts";
import type { ModelEndpoint } from "../ports.ts";

/** What we read of OpenAI's chat completion. */
const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

/** Largest reply that is read, in bytes. */
const maxReplyBytes = 1024 * 1024;

/** Asks any OpenAI-compatible endpoint over HTTP, one attempt a call. */
export function createHttpModelEndpoint(): ModelEndpoint {
  return {
    async complete({ baseUrl, token, serviceVersion, model, messages, temperature, timeoutMs, signal }) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const reply = await exchange(`${baseUrl.replace(/\/$/, "")}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(serviceVersion === null ? {} : { "x-anyscale-version": serviceVersion }),
        },
        body: JSON.stringify({ model, messages, temperature }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      if (!reply.ok) throw new TypedFailure("Unavailable", `the model endpoint answered ${reply.status}`);
      return contentOf(reply.text);
    },
  };
}

/** One request and its whole answer. Throws Unavailable when that does not come, is cut off or is too long. */
async function exchange(url: string, init: RequestInit): Promise<{ ok: boolean; status: number; text: string }> {
  try {
    const reply = await fetch(url, init);
    return { ok: reply.ok, status: reply.status, text: await readText(reply) };
  } catch (error) {
    if (error instanceof TypedFailure) throw error;
    const why =
      error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : "failed";
    throw new TypedFailure("Unavailable", `the model endpoint does not answer: ${why}`, { cause: error });
  }
}

async function readText(reply: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of reply.body ?? []) {
    bytes += piece.length;
    if (bytes > maxReplyBytes)
      throw new TypedFailure("Unavailable", `the model's reply is longer than ${maxReplyBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function contentOf(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypedFailure("Unavailable", "the model endpoint's reply is not JSON");
  }
  const parsed = completionSchema.safeParse(value);
  const content = parsed.data?.choices[0]?.message.content;
  if (content === undefined)
    throw new TypedFailure("Unavailable", "the model endpoint's reply is not a chat completion");
  return content;
}
