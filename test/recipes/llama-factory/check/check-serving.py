"""What is rendered for the service, in Ray Serve LLM's and vLLM's own classes, and a trained adapter in their loaders.

Reads `{"model": path, "accepted": [arguments], "refused": [arguments], "adapter": {"arguments", "name"}}` from its input, prints
`{"problems": [..], "adapterLayers": n}` as its last line.
"""

import asyncio
import json
import sys
from tempfile import TemporaryDirectory

import torch
import vllm.lora.lora_model
from ray.serve.llm import LLMServingArgs
from ray.llm._internal.serve.utils.lora_serve_utils import LoraModelLoader
from vllm.config.lora import LoRAConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.lora.lora_model import LoRAModel
from vllm.lora.peft_helper import PEFTHelper

LAYERS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def validate(arguments, model: str):
    """Raises where one of them does not take the arguments; answers the application's config and vLLM's for adapters."""
    (config,) = LLMServingArgs.model_validate(arguments).llm_configs
    # Of a model that is on this machine: vLLM would look for the named one at once.
    engine = AsyncEngineArgs(model=model, **config.engine_kwargs)
    if not engine.enable_lora or engine.max_model_len < 1:
        raise ValueError("the engine takes no adapters")
    return config, LoRAConfig(max_lora_rank=engine.max_lora_rank, lora_dtype=torch.bfloat16)


def load_adapter(arguments, name: str, model: str) -> int:
    """Downloads the adapter as a replica does and reads it as vLLM does; answers how many layers it adapts."""
    config, lora = validate(arguments, model)
    # Pinned memory is a matter of the GPU's driver.
    vllm.lora.lora_model.PIN_MEMORY = False
    with TemporaryDirectory() as directory:
        loader = LoraModelLoader(lora_root=directory, max_tries=1)
        loaded = asyncio.run(loader.load_model_from_config(name, config))
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
            validate(arguments, asked["model"])
        except Exception as error:
            problems.append(f"refused: {type(error).__name__}: {error}")
    for arguments in asked["refused"]:
        try:
            validate(arguments, asked["model"])
            problems.append(f"accepted: {json.dumps(arguments)}")
        except (TypeError, ValueError):
            pass
    layers = load_adapter(**asked["adapter"], model=asked["model"])
    print(json.dumps({"problems": problems, "adapterLayers": layers}))


main()
