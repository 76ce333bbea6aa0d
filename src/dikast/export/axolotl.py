"""Axolotl: its YAML, and the module that it imports the reward from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dikast.export.run import SHARED, ExportedRun, turns
from dikast.export.trl import script
from dikast.export.writing import as_lines, as_yaml

TAKES = SHARED - {"top_k"}
MODULE = '''\
"""What Axolotl imports; it needs this folder in PYTHONPATH.

{head}
"""

from dikast.adapters.trl import TrlReward
{imports}
REWARD = {reward}

judged = TrlReward.load(**REWARD)


def as_it_is(cfg, **_):
    """Keeps every row of the data: the reward reads its columns."""

    def keep(row, **_):
        return row

    return keep, {{"remove_columns": []}}
'''


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """The configuration, the module and the data."""
    yield "dikast_reward.py", script(run, MODULE)
    rows = (
        {**row.columns, "reference": row.reference, "group": row.group, "prompt": turns(row)}
        for row in run.rows("train")
    )
    yield "train.jsonl", as_lines(rows)
    head = f"Trains with Axolotl:\n  {command(folder)}"
    yield "axolotl.yaml", as_yaml(_configuration(run, folder), head)


def command(folder: Path) -> str:
    """What starts it."""
    return f"PYTHONPATH={shlex.quote(str(folder))} {shlex.join(['axolotl', 'train', str(folder / 'axolotl.yaml')])}"


def _configuration(run: ExportedRun, folder: Path) -> dict[str, Any]:
    rl = run.rl
    return {
        "base_model": run.policy,
        "rl": "grpo",
        "trl": {
            "reward_funcs": ["dikast_reward.judged"],
            "num_generations": rl["num_generations"],
            "max_completion_length": rl["max_completion_length"],
            "temperature": rl["temperature"],
            "top_p": rl.get("top_p", 1.0),
            "beta": rl["beta"],
            "scale_rewards": rl["scale_rewards"] not in ("none", False),
            "log_completions": True,
        },
        "datasets": [{"path": str(folder / "train.jsonl"), "ds_type": "json", "type": "dikast_reward.as_it_is"}],
        "output_dir": str(folder / "checkpoints"),
        "max_steps": rl["max_steps"],
        "micro_batch_size": rl["per_device_train_batch_size"],
        "gradient_accumulation_steps": rl.get("gradient_accumulation_steps", 1),
        "learning_rate": rl["learning_rate"],
        "lr_scheduler": "constant",
        "optimizer": "adamw_torch",
        "save_steps": rl["save_steps"],
        "logging_steps": 1,
        "bf16": "auto",
        "sequence_len": 8192,
        "seed": run.spec.file.seed,
    }
