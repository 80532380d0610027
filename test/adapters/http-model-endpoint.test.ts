import { inspect } from "node:util";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpModelEndpoint, maxReplyBytes } from "../../src/adapters/http-model-endpoint.ts";
import type { Completion } from "../../src/ports.ts";
import type { Question } from "../support/fake-ports.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Base URL of a server that answers everything like this. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((ready) => listening.listen(0, "127.0.0.1", ready));
  const address = listening.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
const ask = (baseUrl: string, overrides: Partial<Question> = {}): Promise<Completion> =>
  createHttpModelEndpoint().complete({
    baseUrl,
    token: "secret-token",
    serviceVersion: "games-2",
    model: "games-2",
    messages: [{ role: "user", content: "q" }],
    temperature: 0.5,
    maxTokens: null,
    timeoutMs: 5000,
    ...overrides,
  });
const completion = (content: unknown, usage?: unknown): string =>
  JSON.stringify({ id: "x", choices: [{ index: 0, message: { role: "assistant", content } }], usage });

describe("createHttpModelEndpoint", () => {
  it.each(["", "/", "/v1", "/v1/"])(
    "asks in OpenAI's shape for one version, with the token, at an address that ends in %j",
    async (end) => {
      const seen: IncomingMessage[] = [];
      const pieces: string[] = [];
      const url = await serve((request, response) => {
        seen.push(request);
        request.setEncoding("utf8").on("data", (piece: string) => pieces.push(piece));
        request.on("end", () => response.end(completion("answer")));
      });
      const answered = { answer: "answer", promptTokens: null, completionTokens: null };
      expect(await ask(`${url}${end}`)).toEqual(answered);
      expect(seen[0]).toMatchObject({
        method: "POST",
        url: "/v1/chat/completions",
        headers: {
          authorization: "Bearer secret-token",
          "x-anyscale-version": "games-2",
          "content-type": "application/json",
        },
      });
      expect(JSON.parse(pieces.join(""))).toEqual({
        model: "games-2",
        messages: [{ role: "user", content: "q" }],
        temperature: 0.5,
      });
    },
  );

  it("sends neither a token nor a version that it was not given", async () => {
    let headers: object = {};
    const url = await serve((request, response) => {
      headers = request.headers;
      response.end(completion("answer"));
    });
    await ask(url, { token: null, serviceVersion: null });
    expect(headers).not.toHaveProperty("authorization");
    expect(headers).not.toHaveProperty("x-anyscale-version");
  });

  it("counts tokens as the endpoint does, and leaves what it says otherwise", async () => {
    const usages: unknown[] = [{ prompt_tokens: 120, completion_tokens: 8 }, { prompt_tokens: -1 }, "many", null];
    const url = await serve((request, response) => {
      request.resume();
      response.end(completion("answer", usages.shift()));
    });
    expect(await ask(url)).toEqual({ answer: "answer", promptTokens: 120, completionTokens: 8 });
    for (let left = usages.length; left > 0; left--) {
      expect(await ask(url)).toEqual({ answer: "answer", promptTokens: null, completionTokens: null });
    }
  });

  it("takes the words of a model that refuses for its answer", async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.end(JSON.stringify({ choices: [{ message: { content: null, refusal: "I cannot help with that." } }] }));
    });
    expect(await ask(url)).toMatchObject({ answer: "I cannot help with that." });
  });

  it("asks for no longer answers than it is told", async () => {
    let body = "";
    const url = await serve((request, response) => {
      request.setEncoding("utf8").on("data", (piece: string) => (body += piece));
      request.on("end", () => response.end(completion("answer")));
    });
    await ask(url, { maxTokens: 20 });
    expect(JSON.parse(body)).toMatchObject({ max_tokens: 20 });
  });

  it.each([
    ["Unavailable", "an error", 500, "{}", "the model endpoint answered 500"],
    ["Unavailable", "a timeout of its own", 408, "{}", "the model endpoint answered 408"],
    ["RateLimited", "that it is asked too often", 429, "{}", "the model endpoint answered 429"],
    ["Refused", "a refusal", 401, "{}", "the model endpoint answered 401"],
    ["Refused", "that there is no such model", 404, "{}", "the model endpoint answered 404"],
    ["Refused", "a redirect", 307, "", "the model endpoint answered 307"],
    ["InvalidData", "that the question is no good", 400, "{}", "the model endpoint answered 400"],
    ["InvalidData", "that the question is too long", 413, "{}", "the model endpoint answered 413"],
    ["Unavailable", "a page of HTML", 200, "<html>", "the model endpoint's reply is not JSON"],
    ["Unavailable", "nothing", 200, "", "the model endpoint's reply is not JSON"],
    ["Unavailable", "NaN", 200, completion(1).replace(":1}", ":NaN}"), "the model endpoint's reply is not JSON"],
    ["Unavailable", "another object", 200, "{}", "the model endpoint's reply is not a chat completion"],
    ["Unavailable", "no choice", 200, '{"choices":[]}', "the model endpoint's reply is not a chat completion"],
    [
      "Unavailable",
      "content that is no text",
      200,
      completion(7),
      "the model endpoint's reply is not a chat completion",
    ],
    ["InvalidData", "no content", 200, completion(null), "the model's answer is empty"],
    ["InvalidData", "blanks", 200, completion(" \n"), "the model's answer is empty"],
    [
      "InvalidData",
      "far too much",
      200,
      completion("x".repeat(maxReplyBytes)),
      "the model's reply is longer than 524288 bytes",
    ],
  ])("fails as %s when the answer is %s, and does not repeat it", async (type, _, status, body, message) => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(status, { location: "http://127.0.0.1:1/" }).end(body);
    });
    await expect(ask(url)).rejects.toMatchObject({ type, message });
  });

  it("says when a tool was called in place of an answer", async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.end(JSON.stringify({ choices: [{ message: { content: null, tool_calls: [{ id: "secret" }] } }] }));
    });
    const message = "the model's answer calls a tool instead of answering";
    await expect(ask(url)).rejects.toMatchObject({ type: "InvalidData", message });
  });

  it.each([
    [429, "7", 7000],
    [503, "0.5", 500],
    [503, "soon", null],
    [500, "3", 3000],
  ])("passes on, of a %d, how long it asks to wait: %s", async (status, after, retryAfterMs) => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(status, { "retry-after": after }).end();
    });
    await expect(ask(url)).rejects.toMatchObject({ retryAfterMs });
  });

  it("does not say a token that no header can carry", async () => {
    const failure: unknown = await ask("http://127.0.0.1:1", { token: "se\ncret" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: "Refused" });
    expect(inspect(failure)).not.toContain("cret");
  });

  it("fails as Unavailable when nobody answers, without the token in the message", async () => {
    const failure: unknown = await ask("http://127.0.0.1:1").catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: "Unavailable", message: expect.stringContaining("does not answer: ") });
    expect(String(failure)).not.toContain("secret-token");
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ["no answer comes", () => {}],
    ["the answer stops half-way", (_request, response) => void response.writeHead(200).write('{"choices":[')],
  ])("fails as Unavailable in time when %s", async (_, answer) => {
    await expect(ask(await serve(answer), { timeoutMs: 100 })).rejects.toMatchObject({ type: "Unavailable" });
  });

  it("fails as Unavailable when the connection breaks half-way", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200).write('{"choices":[', () => response.destroy());
    });
    await expect(ask(url)).rejects.toMatchObject({ type: "Unavailable" });
  });

  it("stops when it is cancelled", async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());
    await expect(ask(url, { signal: controller.signal })).rejects.toThrow();
  });
});
