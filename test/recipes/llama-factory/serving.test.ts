import { describe, expect, it } from "vitest";
import { parseSettings } from "../../../src/recipes/llama-factory/hyperparameters.ts";
import { servedModelName, servingArguments } from "../../../src/recipes/llama-factory/serving.ts";

const URI = "s3://bucket/prefix/models/games/games-12/";
const settings = parseSettings({ baseModel: null, hyperparameters: {} });

describe("servingArguments", () => {
  it("is what Ray's builder gets with the template's values", () => {
    expect(servingArguments(settings, URI)).toEqual({
      llm_configs: [
        {
          model_loading_config: { model_id: "Qwen/Qwen2.5-7B-Instruct", model_source: "Qwen/Qwen2.5-7B-Instruct" },
          llm_engine: "vLLM",
          accelerator_type: "L4",
          engine_kwargs: {
            max_model_len: 4096,
            tensor_parallel_size: 1,
            trust_remote_code: false,
            enable_lora: true,
            max_lora_rank: 8,
          },
          lora_config: {
            dynamic_lora_loading_path: "s3://bucket/prefix/models/games",
            max_num_adapters_per_replica: 16,
          },
          deployment_config: {
            autoscaling_config: { min_replicas: 1, max_replicas: 2, target_ongoing_requests: 16 },
          },
        },
      ],
    });
  });

  it.each([
    [1, 1],
    [2, 8],
    [8, 8],
    [9, 16],
    [129, 256],
    [512, 512],
  ])("makes room for rank %i as vLLM allows: %i", (loraRank, room) => {
    const { llm_configs } = servingArguments(parseSettings({ baseModel: null, hyperparameters: { loraRank } }), URI);
    expect(llm_configs).toMatchObject([{ engine_kwargs: { max_lora_rank: room } }]);
  });

  it("tells the replicas the region when it is set", () => {
    const { llm_configs } = servingArguments({ ...settings, awsRegion: "us-west-2" }, URI);
    expect(llm_configs).toMatchObject([{ runtime_env: { env_vars: { AWS_REGION: "us-west-2" } } }]);
  });

  it("refuses a URI that names no model above its version", () => {
    expect(() => servingArguments(settings, "s3://bucket/games-12/")).toThrow(
      "s3://bucket/games-12/ does not end in <model>/<model version>/",
    );
  });
});

describe("servedModelName", () => {
  it("names the base model and, as adapter, the model version", () => {
    expect(servedModelName(settings, URI)).toBe("Qwen/Qwen2.5-7B-Instruct:games-12");
  });
});
