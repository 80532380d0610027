import { gunzipSync } from "node:zlib";
import type { S3Client } from "@aws-sdk/client-s3";
import { FINAL_CHECKPOINT } from "../../domain/checkpoint.ts";
import { checkpointChoiceSchema, modelManifestSchema } from "../../domain/model-version-schema.ts";
import type { ModelFile } from "../../domain/model-version-schema.ts";
import { loadModel } from "./model.ts";
import type { EmbeddedModel } from "./model.ts";
import { parseS3Uri, readJson, readJsonIfThere, readObject } from "./storage.ts";

/** The models of one version: the one that its training ended with, `final`, and its checkpoints. */
export interface ServedModels {
  model: string;
  version: string;
  /** What can be asked for besides the version itself: the checkpoints and `final`; nothing where there are none. */
  names: readonly string[];
  /** The model that answers for the version. */
  chosen(): Promise<EmbeddedModel>;
  /** A model by its name, loaded when it is first asked for; null when there is none of that name. */
  named(name: string): Promise<EmbeddedModel> | null;
}

/** How often a choice that was not there is looked for. */
const CHOICE_PERIOD_MS = 1000;

/**
 * Loads the model version below `modelUri`. Until it has a `choice.json` the final model answers for it; one that comes
 * later is followed within a second. Throws when the version is not whole: a missing `model.json`, a file with another hash,
 * an unknown format, a choice that names nothing.
 */
export async function loadServedModels(client: S3Client, modelUri: string): Promise<ServedModels> {
  const uri = `${modelUri.replace(/\/$/, "")}/model.json`;
  const { bucket } = parseS3Uri(uri);
  const manifest = await readJson(client, uri, modelManifestSchema);
  if (manifest.recipe !== "embedded") throw new Error(`${uri} is of recipe ${manifest.recipe}, expected embedded`);
  const sources = new Map<string, readonly ModelFile[]>([
    ...manifest.checkpoints.map(({ name, files }): [string, ModelFile[]] => [name, files]),
    [FINAL_CHECKPOINT, manifest.files],
  ]);
  const loaded = new Map<string, Promise<EmbeddedModel>>();
  const named = (name: string): Promise<EmbeddedModel> | null => {
    const files = sources.get(name);
    if (files === undefined) return null;
    const known = loaded.get(name) ?? readModel(client, bucket, uri, files);
    loaded.set(name, known);
    // A failure is not kept, so that it is tried again.
    known.catch(() => loaded.delete(name));
    return known;
  };
  const hasChoice = manifest.checkpoints.length > 0;
  const choiceUri = uri.replace(/model\.json$/, "choice.json");
  const readChoice = async (): Promise<string | null> => {
    const choice = await readJsonIfThere(client, choiceUri, checkpointChoiceSchema);
    if (choice !== null && !sources.has(choice.checkpoint)) {
      throw new Error(`${choiceUri}: checkpoint: ${choice.checkpoint} is not one of ${[...sources.keys()].join(", ")}`);
    }
    return choice?.checkpoint ?? null;
  };
  const choice = hasChoice ? await once(readChoice) : null;
  const chosen = async (): Promise<EmbeddedModel> => {
    const name = (await choice?.()) ?? FINAL_CHECKPOINT;
    const model = named(name);
    if (model === null) throw new Error(`${uri} has no ${name}`);
    return await model;
  };
  await chosen();
  const names = hasChoice ? [...sources.keys()] : [];
  return { model: manifest.model, version: manifest.version, names, chosen, named };
}

/**
 * What `read` gives, for good once it gives something; until then it is asked again at most once a second. Throws what the
 * first reading throws; a later one that fails leaves things as they are.
 */
async function once(read: () => Promise<string | null>): Promise<() => Promise<string | null>> {
  let value = await read();
  let readAtMs = Date.now();
  let reading: Promise<void> | null = null;
  return async () => {
    if (value === null && Date.now() - readAtMs >= CHOICE_PERIOD_MS) {
      reading ??= read()
        .then((found) => void (value = found))
        .catch(() => {})
        .finally(() => {
          readAtMs = Date.now();
          reading = null;
        });
      await reading;
    }
    return value;
  };
}

async function readModel(
  client: S3Client,
  bucket: string,
  uri: string,
  files: readonly ModelFile[],
): Promise<EmbeddedModel> {
  const [file] = files;
  if (file === undefined || files.length > 1) throw new Error(`${uri}: a model has ${files.length} files, expected 1`);
  const body = gunzipSync(await readObject(client, { bucket, key: file.key }, file.sha256));
  return loadModel(body.toString("utf8"));
}
