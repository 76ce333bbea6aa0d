"""slime: its own way to a group's rewards, and its rollout manager's baseline and masks.

slime is not on PyPI: its source must be in PYTHONPATH, in an environment that has Ray and torch. What of it needs a GPU is
stood in for.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# ruff: noqa: E402 (what is stood in for must be so before the trainer is imported)

from __future__ import annotations

import asyncio
import math
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from dikast.conform.drivers.standing_in import stand_in_for
from dikast.conform.drivers.telling import alone, drive, groups_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout

stand_in_for("megatron", "mooncake", "sglang", "sglang_router", "slime.backends", "wandb")

import slime
from slime.ray.rollout import RolloutManager
from slime.rollout.rm_hub import batched_async_rm
from slime.utils.types import Sample

SIBLINGS = 4
ADDED = 1e-6
"""To the standard deviation, by slime."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    groups = groups_of(recorded.rollouts())
    rollouts = [one for group in groups.values() for one in group]
    args = args_of(recorded, len(groups))
    samples = asyncio.run(rewarded(args, groups))
    manager = object.__new__(RolloutManager.__ray_metadata__.modified_class)
    manager.args = args
    manager.custom_reward_post_process_func = manager.custom_convert_samples_to_train_data_func = None
    data = manager._convert_samples_to_train_data(samples)
    masked = {one.id for one, mask in zip(rollouts, data["loss_masks"], strict=True) if not any(mask)}
    missing = {score.id for score in recorded.expected() if score.score is None}
    if masked != missing:
        raise AssertionError(f"slime masks {sorted(masked)}")
    rewards = {
        one.id: None if one.id in masked else sample.reward for one, sample in zip(rollouts, samples, strict=True)
    }
    yield Finding(
        trainer="slime",
        version=Path(slime.__path__[0]).parent.name,
        rewards=rewards,
        advantages=dict(zip((one.id for one in rollouts), data["rewards"], strict=True)),
        alone=alone(rollouts, rewards, in_group),
        siblings="scaled",
    )


def args_of(recorded: Recorded, prompts: int) -> Namespace:
    """Slime's arguments, as our documentation says to give them."""
    return Namespace(
        custom_rm_path="dikast.adapters.slime.reward",
        group_rm=True,
        dikast={"reward": str(recorded.reward)},
        reward_key=None,
        advantage_estimator="grpo",
        rewards_normalization=True,
        grpo_std_normalization=True,
        n_samples_per_prompt=SIBLINGS,
        rollout_batch_size=prompts,
    )


async def rewarded(args: Namespace, groups: Mapping[str, Sequence[Rollout]]) -> list[Any]:
    """Has slime ask for the rewards of every group."""
    samples: list[Any] = []
    for number, group in enumerate(groups.values()):
        made = [sample_of(rollout, number, at) for at, rollout in enumerate(group)]
        for sample, reward in zip(made, await batched_async_rm(args, made), strict=True):
            sample.reward = reward
        samples += made
    return samples


def sample_of(rollout: Rollout, group: int, at: int) -> Any:
    """A sample as slime makes one, the tokenizer's mark at its end."""
    return Sample(
        group_index=group,
        index=at,
        prompt=msgspec.to_builtins(rollout.prompt),
        response=f"{rollout.completion}<|im_end|>",
        response_length=1,
        tokens=[0, 1],
        label=rollout.reference,
        metadata={name: rollout.columns[name] for name in ("contract", "rule")},
    )


def in_group(rewards: Sequence[float]) -> list[float]:
    """Slime's advantages of a group that has no missing ones; none for a group of one.

    What it adds to the standard deviation does not grow with it, so it is put in here as it stands there.
    """
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    values = torch.tensor(rewards, dtype=torch.float32)
    factor = math.sqrt((SIBLINGS - 1) / (len(rewards) - 1))
    return ((values - values.mean()) / (values.std() + ADDED * factor)).tolist()


if __name__ == "__main__":
    drive(findings)
