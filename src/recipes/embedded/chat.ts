/** OpenAI's chat completions on the wire, as far as a model needs it that answers with one short text. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Answer } from "./answer.ts";

/** Text of a message, also where it comes in parts. */
const contentSchema = z.union([
  z.string(),
  z
    .array(z.object({ type: z.literal("text"), text: z.string() }))
    .transform((parts) => parts.map(({ text }) => text).join("\n")),
]);

/** A chat completion request. Sampling options are accepted and mean nothing: the answer is always the most likely one. */
export const chatRequestSchema = z.object({
  model: z.string().min(1),
  messages: z
    .array(z.object({ role: z.string().min(1), content: contentSchema.nullish().transform((text) => text ?? "") }))
    .min(1),
  n: z.literal(1).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
});
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** Token counts of a request; the model has no tokens of a language model, so words are counted. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** An answer in OpenAI's error shape. `param` is the field at fault, null when there is none. */
export function errorResponse(
  status: number,
  message: string,
  { param = null, code = null }: { param?: string | null; code?: string | null } = {},
): Response {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  return Response.json({ error: { message, type, param, code } }, { status });
}

/** Counts words of the prompt and the answer. */
export function usageOf(request: ChatRequest, answer: string): Usage {
  const words = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length;
  const prompt = request.messages.reduce((sum, { content }) => sum + words(content), 0);
  const completion = words(answer);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/**
 * The answer as `chat.completion`, or as `chat.completion.chunk` events when the request asks for a stream. One that was
 * looked up says so, by a field that OpenAI does not have: `"retrieval": {"similarity": 0.42}`.
 */
export function answerResponse(request: ChatRequest, model: string, { text: answer, similarity }: Answer): Response {
  const retrieval = similarity === null ? {} : { retrieval: { similarity: Number(similarity.toFixed(4)) } };
  const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model, ...retrieval };
  const usage = usageOf(request, answer);
  if (request.stream !== true) {
    const choice = { index: 0, message: { role: "assistant", content: answer }, logprobs: null, finish_reason: "stop" };
    return Response.json({ ...head, object: "chat.completion", choices: [choice], usage });
  }
  const chunk = { ...head, object: "chat.completion.chunk" };
  const choice = (delta: object, finish: string | null): object => ({
    ...chunk,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const events: object[] = [
    choice({ role: "assistant", content: "" }, null),
    choice({ content: answer }, null),
    choice({}, "stop"),
  ];
  if (request.stream_options?.include_usage === true) events.push({ ...chunk, choices: [], usage });
  const body = [...events.map((event) => JSON.stringify(event)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } });
}
