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
      const reply = await send(`${baseUrl.replace(/\/$/, "")}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(serviceVersion === null ? {} : { "x-anyscale-version": serviceVersion }),
        },
        body: JSON.stringify({ model, messages, temperature }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const text = await readText(reply);
      if (!reply.ok) throw new TypedFailure("Unavailable", `the model endpoint answered ${reply.status}`);
      return contentOf(text);
    },
  };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const why =
      error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : "failed";
    throw new TypedFailure("Unavailable", `the model endpoint cannot be reached: ${why}`, { cause: error });
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
