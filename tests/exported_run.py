"""A run as a user has it, with a checkpoint folder for its policy and a reward that answers from a file. Shared by folders."""

import json
from pathlib import Path
from typing import Any

import yaml

from dikast.conform.recorded import lay_out
from dikast.export.run import exported
from dikast.export.trainers import write
from dikast.spec.run import read_run


def write_run(folder: Path, **changes: Any) -> Path:
    """Writes run.yaml and what it names; keywords change the file."""
    recorded = lay_out(folder)
    (folder / "policy").mkdir(exist_ok=True)
    (folder / "policy" / "config.json").write_text("{}")
    firsts = list({one.group: one for one in recorded.rollouts()}.values())
    for part, rollouts in (("train", firsts[:40]), ("valid", firsts[40:45]), ("test", firsts[45:])):
        rows = [
            {
                "id": one.id,
                "prompt": [{"role": turn.role, "content": turn.content} for turn in one.prompt],
                "reference": one.reference,
                "contract": one.columns["contract"],
                "rule": one.columns["rule"],
            }
            for one in rollouts
        ]
        (folder / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    run = {
        "reward": "reward.yaml",
        "policy": "policy",
        "data": {part: f"{part}.jsonl" for part in ("train", "valid", "test")},
        "rl": {"max_steps": 2, "num_generations": 4, "per_device_train_batch_size": 8, "max_completion_length": 16},
        "seed": 3,
        **changes,
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(run))
    return path


def export(trainer: str, run: Path, gpus: int = 2) -> tuple[Path, str]:
    """Exports it, and gives the folder and what starts the training."""
    folder = run.parent / "exports" / trainer
    _written, command = write(trainer, exported(read_run(run), gpus=gpus, uncertified=True), folder)
    return folder, command
