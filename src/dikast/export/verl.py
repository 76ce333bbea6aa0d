"""verl: one file for its configuration system, over verl's own defaults, with the v1 trainer and our reward manager.

python -m verl.trainer.main_ppo --config-path FOLDER --config-name verl
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dikast.export.run import SHARED, ExportedRun, turns
from dikast.export.writing import as_lines, as_yaml

TAKES = SHARED
LONGEST_PROMPT = 4096
"""Tokens; a longer prompt is left out by verl. Judgement."""
WORKERS = 4
"""Processes that ask the judge; each has limits of its own; with the address of `dikast serve` as `reward` they share them."""


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """The configuration and the data."""
    for part in ("train", "valid"):
        yield f"{part}.jsonl", as_lines(_rows(run, part))
    head = (
        f"Trains with verl's v1 trainer:\n  python -m verl.trainer.main_ppo --config-path {folder} --config-name verl"
    )
    yield "verl.yaml", as_yaml(_configuration(run, folder), head)


def command(folder: Path) -> str:
    """What starts it."""
    return shlex.join(["python", "-m", "verl.trainer.main_ppo", "--config-path", str(folder), "--config-name", "verl"])


def _rows(run: ExportedRun, part: str) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(run.rows(part)):
        yield {
            "data_source": run.name,
            "prompt": turns(row),
            "reward_model": {"style": "rule", "ground_truth": row.reference or ""},
            "extra_info": {"index": number, "split": part, **msgspec.to_builtins(row.columns)},
        }


def _configuration(run: ExportedRun, folder: Path) -> dict[str, Any]:
    rl = run.rl
    return {
        "hydra": {"searchpath": ["pkg://verl.trainer.config"]},
        "defaults": ["ppo_trainer", "_self_"],
        "data": {
            "train_files": str(folder / "train.jsonl"),
            "val_files": str(folder / "valid.jsonl"),
            "train_batch_size": run.prompts,
            "max_prompt_length": LONGEST_PROMPT,
            "max_response_length": rl["max_completion_length"],
            "filter_overlong_prompts": True,
            "truncation": "error",
            "seed": run.spec.file.seed,
        },
        "actor_rollout_ref": {
            "model": {"path": run.policy},
            "actor": {
                "optim": {"lr": rl["learning_rate"]},
                "ppo_mini_batch_size": run.prompts,
                "ppo_micro_batch_size_per_gpu": min(8, rl["per_device_train_batch_size"]),
                "use_kl_loss": rl["beta"] > 0,
                "kl_loss_coef": rl["beta"],
            },
            "rollout": {
                "name": "vllm",
                "n": rl["num_generations"],
                "temperature": rl["temperature"],
                "top_p": rl.get("top_p", 1.0),
                "top_k": rl["top_k"] or -1,
                "log_prob_micro_batch_size_per_gpu": min(8, rl["per_device_train_batch_size"]),
            },
            "ref": {"log_prob_micro_batch_size_per_gpu": min(8, rl["per_device_train_batch_size"])},
        },
        "algorithm": {
            "adv_estimator": "grpo",
            "norm_adv_by_std_in_grpo": rl["scale_rewards"] not in ("none", False),
            "use_kl_in_reward": False,
        },
        "reward": _reward(run, folder),
        "trainer": {
            "use_v1": True,
            # A prompt of which nothing could be judged is replaced, not missing from the batch.
            "v1": {"sampler": {"sync_refill_failed_groups": True}},
            "project_name": "dikast",
            "experiment_name": run.name,
            "default_local_dir": str(folder / "checkpoints"),
            "logger": ["console"],
            "n_gpus_per_node": run.gpus,
            "nnodes": 1,
            "total_training_steps": rl["max_steps"],
            "save_freq": rl["save_steps"],
            "test_freq": -1,
            "val_before_train": False,
        },
    }


def _reward(run: ExportedRun, folder: Path) -> dict[str, Any]:
    return {
        "num_workers": WORKERS,
        "reward_manager": {
            "source": "importlib",
            "name": "DikastRewardManager",
            "module": {"path": "pkg://dikast.adapters.verl"},
        },
        "reward_kwargs": {**run.settings_of_one, "log": str(folder / "scores")},
    }
