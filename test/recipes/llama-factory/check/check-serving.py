"""What is rendered for the service, in Ray Serve LLM's and vLLM's own classes, and a trained adapter in their loaders.

Reads `{"accepted": [arguments], "refused": [arguments], "adapter": {"arguments", "model"}}` from its input, prints
`{"problems": [..], "adapterTensors": n}` as its last line.
"""

import asyncio
import json
import sys

import torch
from ray.serve.llm import LLMServingArgs
from ray.llm._internal.serve.utils.lora_serve_utils import LoraModelLoader
from vllm.config.lora import LoRAConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.lora.lora_model import LoRAModel
from vllm.lora.peft_helper import PEFTHelper

LAYERS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def validate(arguments):
    """Raises where one of them does not take the arguments; answers the application's config and vLLM's for adapters."""
    (config,) = LLMServingArgs.model_validate(arguments).llm_configs
    engine = AsyncEngineArgs(model=config.model_loading_config.model_source, **config.engine_kwargs)
    if not engine.enable_lora or engine.max_model_len < 1:
        raise ValueError("the engine takes no adapters")
    return config, LoRAConfig(max_lora_rank=engine.max_lora_rank, lora_dtype=torch.bfloat16)


def load_adapter(arguments, model: str) -> int:
    """Downloads the adapter as a replica does and reads it as vLLM does; answers how many weights it has."""
    config, lora = validate(arguments)
    loaded = asyncio.run(LoraModelLoader(max_tries=1).load_model_from_config(model, config))
    helper = PEFTHelper.from_local_dir(loaded.local_path, max_position_embeddings=512)
    helper.validate_legal(lora)
    adapter = LoRAModel.from_local_checkpoint(
        loaded.local_path, LAYERS, helper, lora_model_id=1, device="cpu", dtype=torch.float32
    )
    return len(adapter.loras)


def main() -> None:
    asked = json.load(sys.stdin)
    problems = []
    for arguments in asked["accepted"]:
        try:
            validate(arguments)
        except Exception as error:
            problems.append(f"refused: {type(error).__name__}: {error}")
    for arguments in asked["refused"]:
        try:
            validate(arguments)
            problems.append(f"accepted: {json.dumps(arguments)}")
        except (TypeError, ValueError):
            pass
    tensors = load_adapter(**asked["adapter"])
    print(json.dumps({"problems": problems, "adapterTensors": tensors}))


main()
