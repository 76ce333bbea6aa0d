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
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from aiohttp import ClientResponseError

from dikast.conform.drivers.serving import served
from dikast.conform.drivers.standing_in import stand_in_for
from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout

stand_in_for("megatron", "mooncake", "sglang", "sglang_router", "slime.backends", "wandb")

import slime
from slime.ray.rollout import RolloutManager
from slime.rollout.rm_hub import _get_shared_session, batched_async_rm, remote_rm
from slime.utils.types import Sample

ADDED = 1e-6
"""To the standard deviation, by slime."""
DEADLINE = 3
"""Seconds that a missing rollout waits for siblings that are not there either."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One with our function, one with slime's own client of the reward server."""
    groups = groups_of(recorded.rollouts())
    yield found("slime", recorded, groups, args_of(groups, dikast={"reward": recorded.setting}), masks=True)
    missing = missing_of(recorded)
    lost = {name for name, group in groups.items() if all(one.id in missing for one in group)}
    others = {name: group for name, group in groups.items() if name not in lost}
    with served(recorded) as url:
        address = f"{url}/slime?siblings={siblings_of(recorded.rollouts()) - 1}&deadline={DEADLINE}"
        args = args_of(others, custom_rm_path=None, rm_type="remote_rm", rm_url=address)
        remote = found("slime, remote", recorded, others, args, masks=False, lost=[groups[name][0] for name in lost])
    nothing = {one.id: None for name in lost for one in groups[name]}
    yield msgspec.structs.replace(remote, rewards=remote.rewards | nothing, advantages=remote.advantages | nothing)


def found(
    name: str,
    recorded: Recorded,
    groups: Mapping[str, Sequence[Rollout]],
    args: Namespace,
    *,
    masks: bool,
    lost: Sequence[Rollout] = (),
) -> Finding:
    """Has slime ask for all rewards, and make of them what it trains with."""
    rollouts = [one for group in groups.values() for one in group]
    samples = asyncio.run(rewarded(args, groups, lost))
    manager = object.__new__(RolloutManager.__ray_metadata__.modified_class)
    manager.args = args
    manager.custom_reward_post_process_func = manager.custom_convert_samples_to_train_data_func = None
    data = manager._convert_samples_to_train_data(samples)
    masked = {one.id for one, mask in zip(rollouts, data["loss_masks"], strict=True) if not any(mask)}
    missing = missing_of(recorded)
    if masked != (missing if masks else set()):
        raise AssertionError(f"slime masks {sorted(masked)}")
    rewards = {
        one.id: None if one.id in missing else sample.reward for one, sample in zip(rollouts, samples, strict=True)
    }
    return Finding(
        trainer=name,
        version=Path(slime.__path__[0]).parent.name,
        rewards=rewards,
        advantages=dict(zip((one.id for one in rollouts), data["rewards"], strict=True)),
        alone=alone(rollouts, rewards, partial(in_group, siblings=siblings_of(rollouts))),
        siblings="scaled",
    )


def missing_of(recorded: Recorded) -> set[str]:
    """The rollouts without a score."""
    return {score.id for score in recorded.expected() if score.score is None}


def args_of(groups: Mapping[str, Sequence[Rollout]], **more: Any) -> Namespace:
    """Slime's arguments, as our documentation says to give them."""
    given = {
        "custom_rm_path": "dikast.adapters.slime.reward",
        "group_rm": True,
        "reward_key": None,
        "advantage_estimator": "grpo",
        "rewards_normalization": True,
        "grpo_std_normalization": True,
        "n_samples_per_prompt": len(next(iter(groups.values()))),
        "rollout_batch_size": len(groups),
    }
    return Namespace(**given | more)


async def rewarded(args: Namespace, groups: Mapping[str, Sequence[Rollout]], lost: Sequence[Rollout]) -> list[Any]:
    """Has slime ask for the rewards of every group, and once about each of those whose whole group is lost."""
    remote = args.custom_rm_path is None
    samples: list[Any] = []
    for number, group in enumerate(groups.values()):
        made = [sample_of(rollout, number, at, remote=remote) for at, rollout in enumerate(group)]
        for sample, reward in zip(made, await batched_async_rm(args, made), strict=True):
            sample.reward = reward
        samples += made
    for rollout in lost:
        await require_raised(args, rollout)
    if remote:
        await _get_shared_session().close()
    return samples


async def require_raised(args: Namespace, rollout: Rollout) -> None:
    """Asks as slime does, but once: where there is no number, none may come."""
    try:
        told = await remote_rm(args, sample_of(rollout, 0, 0, remote=True), max_retries=1)
    except ClientResponseError:
        return
    raise AssertionError(f"{rollout.id} is missing, as is all of its group, and was told as {told}")


def sample_of(rollout: Rollout, group: int, at: int, *, remote: bool = False) -> Any:
    """A sample as slime makes one, the tokenizer's mark at its end; its client sends no metadata, so the label holds all."""
    columns = {name: rollout.columns[name] for name in ("contract", "rule")}
    label = {"group": rollout.group, "reference": rollout.reference, **columns}
    return Sample(
        group_index=group,
        index=at,
        prompt=msgspec.to_builtins(rollout.prompt),
        response=f"{rollout.completion}<|im_end|>",
        response_length=1,
        tokens=[0, 1],
        label=label if remote else rollout.reference,
        metadata=columns,
    )


def in_group(rewards: Sequence[float], *, siblings: int) -> list[float]:
    """Slime's advantages of a group that has no missing ones; none for a group of one.

    What it adds to the standard deviation does not grow with it, so it is put in here as it stands there.
    """
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    values = torch.tensor(rewards, dtype=torch.float32)
    factor = math.sqrt((siblings - 1) / (len(rewards) - 1))
    return ((values - values.mean()) / (values.std() + ADDED * factor)).tolist()


if __name__ == "__main__":
    drive(findings)
