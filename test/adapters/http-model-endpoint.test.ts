import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpModelEndpoint } from "../../src/adapters/http-model-endpoint.ts";
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
const completion = (content: unknown, usage?: object): string =>
  JSON.stringify({ id: "x", choices: [{ index: 0, message: { role: "assistant", content } }], usage });

describe("createHttpModelEndpoint", () => {
  it.each(["", "/"])(
    "asks in OpenAI's shape for one version, with the token, at an address that ends in %j",
    async (end) => {
      const seen: IncomingMessage[] = [];
      const pieces: string[] = [];
      const url = await serve((request, response) => {
        seen.push(request);
        request.setEncoding("utf8").on("data", (piece: string) => pieces.push(piece));
        request.on("end", () => response.end(completion("answer")));
      });
      expect(await ask(`${url}${end}`)).toBe("answer");
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
      response.end(completion(""));
    });
    expect(await ask(url, { token: null, serviceVersion: null })).toBe("");
    expect(headers).not.toHaveProperty("authorization");
    expect(headers).not.toHaveProperty("x-anyscale-version");
  });

  it.each([
    ["an error", 500, "{}", "the model endpoint answered 500"],
    ["a refusal", 401, "{}", "the model endpoint answered 401"],
    ["a page of HTML", 200, "<html>", "the model endpoint's reply is not JSON"],
    ["nothing", 200, "", "the model endpoint's reply is not JSON"],
    ["another object", 200, "{}", "the model endpoint's reply is not a chat completion"],
    ["no choice", 200, '{"choices":[]}', "the model endpoint's reply is not a chat completion"],
    ["content that is no text", 200, completion(null), "the model endpoint's reply is not a chat completion"],
    ["far too much", 200, completion("x".repeat(1024 * 1024)), "the model's reply is longer than 1048576 bytes"],
  ])("fails as Unavailable when the answer is %s, and does not repeat it", async (_, status, body, message) => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(status).end(body);
    });
    await expect(ask(url)).rejects.toMatchObject({ type: "Unavailable", message });
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
