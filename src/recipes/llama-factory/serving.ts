/** Settings to the application that serves a model version: Ray Serve LLM, which loads adapters from S3 by their id. */
import { modelVersionAt } from "../../domain/ids.ts";
import type { LlamaFactorySettings } from "./hyperparameters.ts";

/** What Anyscale imports: Ray's own builder, so that no code of ours runs beside the GPU. */
export const SERVING_IMPORT_PATH = "ray.serve.llm:build_openai_app";

/** Ranks that vLLM makes room for. */
const SERVED_RANKS = [1, 8, 16, 32, 64, 128, 256, 320, 512];

/** Requests at a replica beyond which another one is started. */
const TARGET_REQUESTS = 16;

/**
 * The builder's arguments for the model version at a URI. An adapter's id is its model version, looked up below the
 * model's own prefix; a replica never reads one again, and model versions never change.
 */
export function servingArguments(settings: LlamaFactorySettings, modelUri: string): Record<string, unknown> {
  const { baseModel, awsRegion } = settings;
  const config = {
    model_loading_config: { model_id: baseModel.name, model_source: baseModel.name },
    llm_engine: "vLLM",
    accelerator_type: settings.serveAccelerator,
    engine_kwargs: {
      max_model_len: settings.servedContextLength,
      tensor_parallel_size: settings.serveGpus,
      trust_remote_code: settings.trustRemoteCode,
      enable_lora: true,
      max_lora_rank: SERVED_RANKS.find((rank) => rank >= settings.loraRank) ?? settings.loraRank,
    },
    lora_config: { dynamic_lora_loading_path: adaptersUri(modelUri), max_num_adapters_per_replica: 16 },
    deployment_config: {
      autoscaling_config: {
        min_replicas: settings.serveMinReplicas,
        max_replicas: settings.serveMaxReplicas,
        target_ongoing_requests: TARGET_REQUESTS,
      },
    },
    ...(awsRegion === null ? {} : { runtime_env: { env_vars: { AWS_REGION: awsRegion } } }),
  };
  return { llm_configs: [config] };
}

/** What requests name as `model`: base model and adapter, which Ray tells apart at the first `:`. */
export function servedModelName({ baseModel }: LlamaFactorySettings, modelUri: string): string {
  return `${baseModel.name}:${modelVersionAt(modelUri)}`;
}

/** Prefix of all versions of the model: `s3://bucket/models/games` of `s3://bucket/models/games/games-12/`. */
function adaptersUri(modelUri: string): string {
  const parent = modelUri.replace(/\/$/, "").replace(/\/[^/]+$/, "");
  if (!/^s3:\/\/[^/]+\/./.test(parent)) throw new Error(`${modelUri} does not end in <model>/<model version>/`);
  return parent;
}
