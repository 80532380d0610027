/** The service of the embedded recipe: one model version behind OpenAI's chat completions. */
import { answerResponse, chatRequestSchema, errorResponse } from "./chat.ts";
import type { EmbeddedModel } from "./model.ts";
import { loadServedModels } from "./served-models.ts";
import type { ServedModels } from "./served-models.ts";
import { createS3Client } from "./storage.ts";

/** Answers one HTTP request. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** Longest request body that is read, in characters. */
const LONGEST_BODY = 1_000_000;

/**
 * Loads the model version below `modelUri` (`s3://.../<model version>/`) and answers its requests. Throws when it is not
 * whole: a missing `model.json`, a file with another hash, an unknown format.
 */
export async function handler(args: { modelUri: string }): Promise<FetchHandler> {
  return createHandler(await loadServedModels(createS3Client(process.env), args.modelUri));
}

/**
 * Serves a model version. Requests may name it, its model, or `<version>@<name>` for one of its checkpoints or the `final`
 * model; answers name the version, and the checkpoint where one was asked for.
 */
export function createHandler(served: ServedModels): FetchHandler {
  const created = Math.floor(Date.now() / 1000);
  const routes: Record<string, { method: string; answer: (request: Request) => Response | Promise<Response> }> = {
    "/healthz": { method: "GET", answer: () => Response.json({ status: "ok", model: served.version }) },
    "/v1/models": {
      method: "GET",
      answer: () => {
        const ids = [served.version, ...served.names.map((name) => `${served.version}@${name}`)];
        const data = ids.map((id) => ({ id, object: "model", created, owned_by: "tuneloop" }));
        return Response.json({ object: "list", data });
      },
    },
    "/v1/chat/completions": { method: "POST", answer: (request) => complete(request, served) },
  };
  return async (request) => {
    const { pathname } = new URL(request.url);
    const route = routes[pathname];
    if (route === undefined) return errorResponse(404, `no such path: ${pathname}`, { code: "not_found" });
    if (request.method !== route.method) {
      return errorResponse(405, `${pathname} answers ${route.method} only`, { code: "method_not_allowed" });
    }
    return await route.answer(request);
  };
}

/** The model that a request names, and how its answers name it; null when there is none. */
function findModel(served: ServedModels, name: string): { id: string; model: Promise<EmbeddedModel> } | null {
  if (name === served.version || name === served.model) return { id: served.version, model: served.chosen() };
  const prefix = `${served.version}@`;
  const model = name.startsWith(prefix) ? served.named(name.slice(prefix.length)) : null;
  return model === null ? null : { id: name, model };
}

async function complete(request: Request, served: ServedModels): Promise<Response> {
  const body = await request.text();
  if (body.length > LONGEST_BODY) return errorResponse(413, `the body is longer than ${LONGEST_BODY} characters`);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return errorResponse(400, "the body is not JSON");
  }
  const parsed = chatRequestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join(".");
    return errorResponse(400, `${param ?? "the body"}: ${issue?.message ?? "is not valid"}`, { param });
  }
  const question = parsed.data.messages.findLast(({ role }) => role === "user");
  if (question === undefined || question.content.trim() === "") {
    return errorResponse(400, "messages: the last user message is missing or empty", { param: "messages" });
  }
  const found = findModel(served, parsed.data.model);
  if (found === null) {
    const message = `the model ${JSON.stringify(parsed.data.model)} does not exist, this service has ${served.version}`;
    return errorResponse(404, message, { param: "model", code: "model_not_found" });
  }
  return answerResponse(parsed.data, found.id, (await found.model).answer(question.content));
}
