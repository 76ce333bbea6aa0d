"""What a trainer on AWS says of its steps, in the words of a local run's log.

The trainers write a line a step into their logs, with a name and a number for each figure; Bedrock writes a table.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

NAMES = {
    "critic/rewards/mean": "reward",
    "critic/rewards/max": "reward/max",
    "critic/rewards/min": "reward/min",
    "critic/advantages/mean": "advantage",
    "train_rm_score": "reward",
    "val-score/rewards/mean@1": "eval_reward",
    "actor/entropy": "entropy",
    "actor/pg_loss": "loss",
    "actor/pg_clipfrac": "clip_ratio",
    "actor/grad_norm": "grad_norm",
    "prompt_length/mean": "prompts/mean_length",
    "response_length/mean": "completions/mean_length",
    "response_length/max": "completions/max_length",
    "response/aborted_ratio": "aborted",
    "perf/throughput": "tokens_per_second",
    "perf/time_per_step": "seconds_step",
}
"""The trainer's name → the local log's."""
_NUMBER = r"(-?[\d.]+(?:[eE][+-]?\d+)?)"
_STEP = re.compile(rf"\b(?:global_)?step(?:_number)?[=:]\s*{_NUMBER}")
_FIGURE = re.compile(rf"(?<![\w/])([a-zA-Z][\w/@-]*?)[=:]\s*{_NUMBER}")
# Bedrock's table and events write the same names with underscores.
_FLAT = {name.replace("/", "_").replace("-", "_").replace("@", "_"): ours for name, ours in NAMES.items()}


def rows_in_log(messages: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Gives a row for each line of a log that names a step and a figure that we know."""
    for message in messages:
        for line in message.splitlines():
            found = _STEP.search(line)
            if found is None:
                continue
            known = {
                NAMES[name]: value for name, text in _FIGURE.findall(line) if name in NAMES for value in _finite(text)
            }
            yield from ({"step": int(step), **known} for step in _finite(found[1]) if known)


def rows_in_table(text: str) -> Iterator[dict[str, Any]]:
    """Gives the rows of `step_wise_training_metrics.csv`."""
    for line in csv.DictReader(text.splitlines()):
        step = next(
            (value for name in ("step_number", "global_step", "step") for value in _finite(line.get(name))), None
        )
        known = {_FLAT[name]: value for name, text in line.items() if name in _FLAT for value in _finite(text)}
        if step is not None and known:
            yield {"step": int(step), **known}


def _finite(text: Any) -> list[float]:
    """The number, where it is one."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return []
    return [value] if math.isfinite(value) else []
