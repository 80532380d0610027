/** The service of the embedded recipe: one model version behind OpenAI's chat completions. */
import { gunzipSync } from "node:zlib";
import { modelManifestSchema } from "../../domain/model-version-schema.ts";
import type { ModelManifest } from "../../domain/model-version-schema.ts";
import { answerResponse, chatRequestSchema, errorResponse } from "./chat.ts";
import { renderFrame } from "./frame.ts";
import { loadModel } from "./model.ts";
import type { FrameModel } from "./model.ts";
import { createS3Client, parseS3Uri, readJson, readObject } from "./storage.ts";

/** Answers one HTTP request. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** Longest request body that is read, in characters. */
const LONGEST_BODY = 1_000_000;

/**
 * Loads the model version below `modelUri` (`s3://.../<model version>/`) and answers its requests. Throws when it is not
 * whole: a missing `model.json`, a file with another hash, an unknown format.
 */
export async function handler(args: { modelUri: string }): Promise<FetchHandler> {
  const uri = `${args.modelUri.replace(/\/$/, "")}/model.json`;
  const { bucket } = parseS3Uri(uri);
  const client = createS3Client(process.env);
  const manifest = await readJson(client, uri, modelManifestSchema);
  const [file] = manifest.files;
  if (manifest.recipe !== "embedded" || file === undefined) {
    throw new Error(
      `${uri} is of recipe ${manifest.recipe} with ${manifest.files.length} files, expected embedded with 1`,
    );
  }
  const weights = gunzipSync(await readObject(client, { bucket, key: file.key }, file.sha256));
  return createHandler(manifest, loadModel(weights.toString("utf8")));
}

/** Serves a loaded model. Requests may name its version or its model; answers always name the version. */
export function createHandler(manifest: Pick<ModelManifest, "model" | "version">, model: FrameModel): FetchHandler {
  const created = Math.floor(Date.now() / 1000);
  const routes: Record<string, { method: string; answer: (request: Request) => Response | Promise<Response> }> = {
    "/healthz": { method: "GET", answer: () => Response.json({ status: "ok", model: manifest.version }) },
    "/v1/models": {
      method: "GET",
      answer: () => {
        const entry = { id: manifest.version, object: "model", created, owned_by: "tuneloop" };
        return Response.json({ object: "list", data: [entry] });
      },
    },
    "/v1/chat/completions": { method: "POST", answer: (request) => complete(request, manifest, model) },
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

async function complete(
  request: Request,
  manifest: Pick<ModelManifest, "model" | "version">,
  model: FrameModel,
): Promise<Response> {
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
  if (![manifest.version, manifest.model].includes(parsed.data.model)) {
    const message = `the model ${JSON.stringify(parsed.data.model)} does not exist, this service has ${manifest.version}`;
    return errorResponse(404, message, { param: "model", code: "model_not_found" });
  }
  const question = parsed.data.messages.findLast(({ role }) => role === "user");
  if (question === undefined || question.content.trim() === "") {
    return errorResponse(400, "messages: the last user message is missing or empty", { param: "messages" });
  }
  return answerResponse(parsed.data, manifest.version, renderFrame(model.predict(question.content)));
}
