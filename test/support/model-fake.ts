/** A model endpoint that speaks OpenAI's wire on loopback, answers by a function, and keeps a ledger of what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** A request as the endpoint understands it. */
export interface AskedOfModel {
  /** The last message. */
  question: string;
  /** How often this question has been asked, with this time. */
  times: number;
  token: string | null;
  body: { model: string; messages: { role: string; content: string }[]; temperature: number; max_tokens?: number };
}

/** The text of an answer, another reply, or a connection that is broken. */
export type ModelReply =
  | string
  | { status?: number; body: string | Buffer; headers?: Record<string, string> }
  | { hangUp: true };

/** A running endpoint. */
export interface ModelFake {
  url: string;
  /** Every question in the order in which they came. */
  ledger: string[];
  /** How often each question was asked. */
  times(): Map<string, number>;
  /** Most questions that were open at a time. */
  mostOpen: number;
  stop(): Promise<void>;
}

/** A chat completion with this answer. */
export function completion(content: unknown, usage: unknown = { prompt_tokens: 12, completion_tokens: 3 }): string {
  return JSON.stringify({ id: "x", choices: [{ index: 0, message: { role: "assistant", content } }], usage });
}

/** Starts an endpoint; `stop()` it in the end. */
export async function serveModel(reply: (asked: AskedOfModel) => ModelReply | Promise<ModelReply>): Promise<ModelFake> {
  const ledger: string[] = [];
  const times = new Map<string, number>();
  let open = 0;
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open++;
    fake.mostOpen = Math.max(fake.mostOpen, open);
    const body = JSON.parse(await text(request)) as AskedOfModel["body"];
    const question = body.messages.at(-1)?.content ?? "";
    ledger.push(question);
    times.set(question, (times.get(question) ?? 0) + 1);
    const token = request.headers.authorization?.replace("Bearer ", "") ?? null;
    const given = await reply({ question, times: times.get(question) ?? 0, token, body });
    open--;
    if (typeof given !== "string" && "hangUp" in given) {
      response.writeHead(200, { "content-length": "1000" }).write('{"choices":[{', () => response.destroy());
      return;
    }
    const { status = 200, headers = {}, ...rest } = typeof given === "string" ? { body: completion(given) } : given;
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(rest.body);
  };
  const fake: ModelFake = {
    url: "",
    ledger,
    times: () => times,
    mostOpen: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  fake.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  return fake;
}
