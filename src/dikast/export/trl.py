"""TRL: a script, and a configuration of accelerate's for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dikast.export.run import ExportedRun
from dikast.export.writing import HEAD, as_python, as_yaml
from dikast.spec.run import Constant

TAKES = None
"""Whatever TRL takes."""
SCRIPT = '''\
"""Trains a policy with TRL's GRPO: accelerate launch --config_file accelerate.yaml train.py

{head}
"""

from pathlib import Path

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

from dikast.adapters.trl import TrlReward
{imports}
HERE = Path(__file__).parent
REWARD = {reward}
SETTINGS = {settings}
DATA = {data}


def main() -> None:
    reward = TrlReward.load(**REWARD)
    trainer = GRPOTrainer(
        model={policy},
        reward_funcs=reward,
        args=GRPOConfig(output_dir=str(HERE / "checkpoints"), **SETTINGS),
        train_dataset=load_dataset("json", data_files=DATA)["train"],
    )
    trainer.train()
    trainer.save_model(str(HERE / "policy"))


if __name__ == "__main__":
    main()
'''


def files(run: ExportedRun, _folder: Path) -> Iterator[tuple[str, str]]:
    """The script, and how many processes run it."""
    yield "train.py", script(run, SCRIPT)
    yield "accelerate.yaml", as_yaml(_launch(run), "How accelerate starts train.py.")


def command(folder: Path) -> str:
    """What starts it."""
    return shlex.join(
        ["accelerate", "launch", "--config_file", str(folder / "accelerate.yaml"), str(folder / "train.py")]
    )


def script(run: ExportedRun, text: str, **more: str) -> str:
    """Fills a script that calls TRL's trainer."""
    on_missing = run.spec.file.on_missing
    given = {"path" if name == "reward" else name: value for name, value in run.settings.items()}
    literal = as_python(given)
    imports = ""
    if isinstance(on_missing, Constant):
        imports = "from dikast.spec.run import Constant\n"
        literal = literal.replace(
            f'{{"constant": {on_missing.constant!r}}}', f"Constant(constant={on_missing.constant!r})"
        )
    settings = {
        **run.rl,
        "seed": run.spec.file.seed,
        "logging_steps": 1,
        "log_completions": True,
        "save_strategy": "steps",
        "report_to": [],
        **({} if run.gpus else {"use_cpu": True, "bf16": False}),
    }
    return text.format(
        policy=json.dumps(run.policy, ensure_ascii=False),
        head=HEAD,
        imports=imports,
        reward=literal,
        settings=as_python(settings),
        data=as_python({"train": str(run.spec.resolve(run.spec.file.data.train).resolve())}),
        **more,
    )


def _launch(run: ExportedRun) -> dict[str, Any]:
    return {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if run.gpus > 1 else "NO",
        "machine_rank": 0,
        "main_training_function": "main",
        "mixed_precision": "bf16" if run.gpus else "no",
        "num_machines": 1,
        "num_processes": max(1, run.gpus),
        "use_cpu": run.gpus == 0,
    }
