import { beforeAll, describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";
import { createModel } from "../../../src/recipes/embedded/model.ts";
import type { EmbeddedModel } from "../../../src/recipes/embedded/model.ts";
import { createHandler } from "../../../src/recipes/embedded/serve.ts";
import type { FetchHandler } from "../../../src/recipes/embedded/serve.ts";

const QUESTION = "Do you know Ember Harbour? It is a puzzle game.";
let answer: FetchHandler;
let expected: string;

const aModel = (outputs: "frames" | "answers", hyperparameters: object = {}): EmbeddedModel => {
  const pairs = generateSample({ seed: 1, count: 60, split: "train", outputs }).flatMap(
    ({ messages }) => pairOf(messages) ?? [],
  );
  return createModel(learnModel(pairs, parseEmbeddedHyperparameters(hyperparameters), {}).saved);
};

/** A version whose models are known already. */
const serving = (model: EmbeddedModel, others: Record<string, EmbeddedModel> = {}): FetchHandler =>
  createHandler({
    model: "games",
    version: "games-12",
    names: Object.keys(others),
    chosen: async () => model,
    named(name) {
      const other = others[name];
      return other === undefined ? null : Promise.resolve(other);
    },
  });

beforeAll(() => {
  const model = aModel("frames");
  answer = serving(model);
  expected = model.answer(QUESTION).text;
});

const send = (path: string, init?: RequestInit): Promise<Response> =>
  answer(new Request(`http://service${path}`, init));
const post = (body: unknown): Promise<Response> =>
  send("/v1/chat/completions", { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
const chat = { model: "games-12", messages: [{ role: "user", content: QUESTION }] };

describe("createHandler", () => {
  it("answers a chat completion in OpenAI's shape", async () => {
    const response = await post({ ...chat, temperature: 0, max_tokens: 100, user: "ignored" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "games-12",
      choices: [{ index: 0, message: { role: "assistant", content: expected }, logprobs: null, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 10,
        completion_tokens: expected.split(" ").length,
        total_tokens: 10 + expected.split(" ").length,
      },
    });
  });

  it.each([
    ["the name of the model", { ...chat, model: "games" }],
    ["content in parts", { ...chat, messages: [{ role: "user", content: [{ type: "text", text: QUESTION }] }] }],
    [
      "earlier turns",
      {
        ...chat,
        messages: [
          { role: "system", content: "x" },
          { role: "user", content: "y" },
          { role: "assistant", content: null },
          ...chat.messages,
        ],
      },
    ],
  ])("takes %s", async (_, body) => {
    expect(await (await post(body)).json()).toMatchObject({
      model: "games-12",
      choices: [{ message: { content: expected } }],
    });
  });

  it("streams chunks that spell the answer, with usage at the end when it is asked for", async () => {
    const response = await post({ ...chat, stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = (await response.text()).split("\n\n").filter((event) => event !== "");
    expect(events.every((event) => event.startsWith("data: "))).toBe(true);
    expect(events.at(-1)).toBe("data: [DONE]");
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice("data: ".length)));
    expect(new Set(chunks.map((chunk) => `${chunk.object} ${chunk.model} ${chunk.id}`)).size).toBe(1);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(expected);
    expect(chunks.at(-2).choices[0].finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 10 } });
  });

  it.each([
    ["no JSON", "{", 400, null, null],
    ["no object", "[]", 400, null, null],
    ["no model", { messages: chat.messages }, 400, "model", null],
    ["no messages", { ...chat, messages: [] }, 400, "messages", null],
    ["a message without a role", { ...chat, messages: [{ content: "a" }] }, 400, "messages.0.role", null],
    [
      "an image",
      { ...chat, messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      400,
      "messages.0.content",
      null,
    ],
    ["no user message", { ...chat, messages: [{ role: "system", content: "a" }] }, 400, "messages", null],
    ["an empty user message", { ...chat, messages: [{ role: "user", content: " " }] }, 400, "messages", null],
    ["several answers asked for", { ...chat, n: 2 }, 400, "n", null],
    ["an unknown model", { ...chat, model: "games-13" }, 404, "model", "model_not_found"],
    ["a body too long", { ...chat, messages: [{ role: "user", content: "a".repeat(1_000_001) }] }, 413, null, null],
  ])("answers OpenAI's error shape to %s", async (_, body, status, param, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.stringMatching(/\w/), type: "invalid_request_error", param, code },
    });
  });

  it("says of an answer that was looked up how similar its question is", async () => {
    const request = { model: "games", messages: [{ role: "user", content: "I want a refund" }] };
    const looked = serving(aModel("answers"));
    const ask = (body: object): Promise<Response> =>
      looked(new Request("http://service/v1/chat/completions", { method: "POST", body: JSON.stringify(body) }));
    const completion = await (await ask(request)).json();
    expect(completion.retrieval).toEqual({ similarity: expect.any(Number) });
    const [first] = (await (await ask({ ...request, stream: true })).text()).split("\n\n");
    expect(JSON.parse(first?.slice("data: ".length) ?? "")).toMatchObject({ retrieval: completion.retrieval });
    expect(await (await post(chat)).json()).not.toHaveProperty("retrieval");
  });

  describe("with checkpoints", () => {
    const [chosen, early, final] = [1, 2, 3].map((epochs) => aModel("frames", { epochs, taggerEpochs: 1 }));
    const service = serving(chosen ?? aModel("frames"), {
      "step-1": early ?? aModel("frames"),
      final: final ?? aModel("frames"),
    });
    const ask = (model: string): Promise<Response> =>
      service(
        new Request("http://service/v1/chat/completions", { method: "POST", body: JSON.stringify({ ...chat, model }) }),
      );

    it.each([
      ["games", "games-12", chosen],
      ["games-12", "games-12", chosen],
      ["games-12@step-1", "games-12@step-1", early],
      ["games-12@final", "games-12@final", final],
    ])("answers for %s as %s", async (name, answeredAs, model) => {
      expect(await (await ask(name)).json()).toMatchObject({
        model: answeredAs,
        choices: [{ message: { content: model?.answer(QUESTION).text } }],
      });
    });

    it.each(["games-12@step-9", "games-12@", "games@step-1", "games-11@step-1", "games-12@step-1@step-1"])(
      "knows no model %s",
      async (name) => {
        expect((await ask(name)).status).toBe(404);
      },
    );

    it("lists them", async () => {
      const { data } = await (await service(new Request("http://service/v1/models"))).json();
      expect(data.map(({ id }: { id: string }) => id)).toEqual(["games-12", "games-12@step-1", "games-12@final"]);
    });
  });

  it("lists its one model and says that it is well", async () => {
    expect(await (await send("/v1/models")).json()).toEqual({
      object: "list",
      data: [{ id: "games-12", object: "model", created: expect.any(Number), owned_by: "tuneloop" }],
    });
    expect(await (await send("/healthz")).json()).toEqual({ status: "ok", model: "games-12" });
  });

  it.each([
    ["GET", "/v1/chat/completions", 405],
    ["POST", "/v1/models", 405],
    ["GET", "/", 404],
    ["GET", "/constructor", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    const response = await send(path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  });
});
