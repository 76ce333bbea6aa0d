"""verifiers and prime-rl: a taskset of the run's prompts, judged by the plugin `dikast-judge`, and prime-rl's TOML."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dikast.export.run import SHARED, ExportedRun, turns
from dikast.export.writing import HEAD, as_lines, as_toml

TASKSET = '''\
"""The prompts of a run as verifiers has them; this folder must be in PYTHONPATH.

{head}
"""

import json
from collections.abc import Iterator
from pathlib import Path

import verifiers.v1 as vf
from pydantic import ConfigDict

HERE = Path(__file__).parent

__all__ = ["DikastTaskset"]


class Row(vf.TaskData):
    """A prompt with the columns that the reward reads."""

    model_config = ConfigDict(frozen=True, extra="allow")


class JudgedTask(vf.Task[Row, vf.State, vf.TaskConfig]):
    """Rewarded by the judges of its configuration alone."""


class DikastTaskset(vf.Taskset[JudgedTask, vf.TasksetConfig]):
    def load(self) -> Iterator[JudgedTask]:
        with (HERE / "train.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield JudgedTask(Row(**json.loads(line)), self.config.task)
'''
TAKES = SHARED - {"top_p", "top_k", "beta", "scale_rewards"}
LONGEST_PROMPT = 4096
"""Tokens. Judgement."""


def files(run: ExportedRun, folder: Path) -> Iterator[tuple[str, str]]:
    """The configuration, the taskset and the data."""
    rows = ({**row.columns, "reference": row.reference, "prompt": turns(row)} for row in run.rows("train"))
    yield "train.jsonl", as_lines(rows)
    yield "dikast_tasks.py", TASKSET.format(head=HEAD)
    head = f"Trains with prime-rl:\n  {command(folder)}"
    yield "rl.toml", as_toml(_configuration(run), head)


def command(folder: Path) -> str:
    """What starts it."""
    return f"PYTHONPATH={shlex.quote(str(folder))} {shlex.join(['uv', 'run', 'rl', '@', str(folder / 'rl.toml')])}"


def _configuration(run: ExportedRun) -> dict[str, Any]:
    rl = run.rl
    settings = run.settings_of_one
    return {
        "max_steps": rl["max_steps"],
        "seq_len": LONGEST_PROMPT + rl["max_completion_length"],
        "model": {"name": run.policy},
        "deployment": {"num_train_gpus": max(1, run.gpus // 2), "num_infer_gpus": max(1, run.gpus // 2)},
        "ckpt": {"interval": rl["save_steps"]},
        "trainer": {"optim": {"lr": rl["learning_rate"]}},
        "inference": {},
        "orchestrator": {
            "batch_size": run.prompts * rl["num_generations"],
            "group_size": rl["num_generations"],
            # By the policy's own chat template; prime-rl knows none of its own for a checkpoint of yours.
            "renderer": {"name": "default"},
            "train": {
                "sampling": {
                    "max_completion_tokens": rl["max_completion_length"],
                    "temperature": rl["temperature"],
                },
                "source": [
                    {
                        "name": run.name,
                        "env": {
                            "taskset": {
                                "id": "dikast-tasks",
                                "task": {"judges": [{"id": "dikast-judge", **settings}]},
                            },
                            "agent": {"harness": {"id": "null"}, "runtime": {"type": "subprocess"}},
                        },
                    }
                ],
            },
        },
    }
