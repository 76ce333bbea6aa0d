"""ms-swift: its scoring of a batch, in which every call has an event loop of its own, and its advantages."""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec
import torch
from swift.rewards.orm import orms
from swift.rl_core.advantage import compute_advantages
from swift.rl_core.data import GRPOSample
from swift.rl_core.grpo_algorithm import compute_rewards_per_func

from dikast.adapters.ms_swift import reward_class
from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout

STEPS = 5
ADDED = 1e-4
"""To the standard deviation, by ms-swift."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One: five steps."""
    orms["dikast"] = reward_class({"reward": recorded.setting})
    given: list[float] = []
    reward: Any = keeping(orms["dikast"], given)(args=None)
    rollouts = [one for group in groups_of(recorded.rollouts()).values() for one in group]
    size, siblings = len(rollouts) // STEPS, siblings_of(rollouts)
    worth: list[float] = []
    for start in range(0, len(rollouts), size):
        samples = [sample_of(rollout) for rollout in rollouts[start : start + size]]
        matrix = compute_rewards_per_func(samples, [reward], [None], torch.device("cpu"))
        worth += compute_advantages(matrix, torch.ones(1), siblings)[0].tolist()
    missing = {score.id for score in recorded.expected() if score.score is None}
    rewards = {one.id: None if one.id in missing else number for one, number in zip(rollouts, given, strict=True)}
    yield Finding(
        trainer="ms-swift",
        version=version("ms-swift"),
        rewards=rewards,
        advantages=dict(zip((one.id for one in rollouts), worth, strict=True)),
        alone=alone(rollouts, rewards, partial(in_group, siblings=siblings)),
        siblings="scaled",
    )


def keeping(kind: type, given: list[float]) -> type:
    """The class, and what it gave as float64."""

    class Kept(kind):
        async def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
            rewards = await super().__call__(completions, **columns)
            given.extend(rewards)
            return rewards

    return Kept


def sample_of(rollout: Rollout) -> GRPOSample:
    """A sample as a row of a data set becomes one."""
    turns = msgspec.to_builtins(rollout.prompt)
    row = {
        "messages": [*turns, {"role": "assistant", "content": rollout.completion}],
        "prompt_id": rollout.group,
        "request_id": rollout.id,
        "reference": rollout.reference,
        **rollout.columns,
    }
    return GRPOSample.from_row(row)


def in_group(rewards: Sequence[float], *, siblings: int) -> list[float]:
    """The advantages of one group; ms-swift has none for a group of one.

    What it adds to the standard deviation does not grow with it, so it is put in here as it stands there.
    """
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    matrix = torch.tensor(rewards, dtype=torch.float32).unsqueeze(1)
    centred, _ = compute_advantages(matrix, torch.ones(1), len(rewards), scale_rewards="none")
    factor = math.sqrt((siblings - 1) / (len(rewards) - 1))
    return (centred / (matrix.std() + ADDED * factor)).tolist()


if __name__ == "__main__":
    drive(findings)
