"""Loads the policy: a folder of transformers', a catalogued GGUF file, or a tiny model made from scratch.

A GGUF file is converted once into a checkpoint of transformers' and cached: a model loaded from GGUF
cannot be saved, and loading takes tens of seconds. Weights, gradients and the optimizer are float32;
where the CPU has units for it, matrix products are bfloat16. CPUs without them are several times slower in it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from dikast.errors import ConfigError
from dikast.models.store import cache_folder, find, known_sum

CONVERTED = "converted"


def policy_folder(name: str, base: Path) -> Path:
    """Gives the folder with the policy's checkpoint, converting a GGUF file where that is what there is."""
    folder = Path(name) if Path(name).is_absolute() else base / name
    if (folder / "config.json").is_file():
        return folder
    if name.endswith(("/", ".")):
        raise ConfigError(f"policy: {folder} holds no config.json; name a checkpoint folder or a known model")
    source = find(name)
    target = cache_folder() / CONVERTED / known_sum(source)[:16]
    if not (target / "config.json").is_file():
        convert_gguf(source, target)
    return target


def convert_gguf(source: Path, target: Path) -> None:
    """Writes a GGUF model as a float32 checkpoint. The target appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_progress()
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    loaded = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    config: Any = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(partial)
    AutoTokenizer.from_pretrained(**where).save_pretrained(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def load_policy(folder: Path) -> tuple[Any, Any]:
    """Loads model and tokenizer from a checkpoint folder, in float32, padding on the left for generation."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_progress()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return model, tokenizer


def has_bfloat16() -> bool:
    """Tells whether this CPU multiplies in bfloat16 itself."""
    import torch

    cpu: Any = torch.cpu
    # torch offers no public question for it; where a version drops these, float32 is slower and as right.
    asked = (getattr(cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(ask is not None and ask() for ask in asked)


def fast_products() -> AbstractContextManager[Any]:
    """A context in which matrix products are bfloat16 where the CPU has units for it.

    Keep it to one forward pass or one generation: it keeps converted weights until it ends, and an optimizer
    step inside would be lost on them.
    """
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16) if has_bfloat16() else nullcontext()


def quiet_progress() -> None:
    """Turns off the training libraries' own progress bars: a run tells its progress itself."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
