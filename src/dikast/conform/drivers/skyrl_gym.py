"""SkyRL gym: environments made by its registry and stepped as its generator does, in threads of one process.

What it makes of rewards stands in skyrl-train, which needs torch; here it is computed as there (`compute_grpo_outcome_advantage`).
A batch in which a step raises is never trained on: a group without any score has no advantages.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportCallIssue=false

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import msgspec
import skyrl_gym
from skyrl_gym.envs import register
from skyrl_gym.metrics import aggregate_for_environment

from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.errors import ModelError
from dikast.records import Rollout

THREADS = 32
"""Of SkyRL's generator, where it is not told otherwise."""
DEADLINE = 3
"""Seconds that a missing rollout waits for siblings that are not there either."""
ADDED = 1e-6
"""To the standard deviation, by SkyRL."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    register(id="dikast", entry_point="dikast.adapters.skyrl:JudgedEnv")
    rollouts = recorded.rollouts()
    settings = {"reward": recorded.setting, "siblings": siblings_of(rollouts) - 1, "deadline": DEADLINE}
    with ThreadPoolExecutor(THREADS) as threads:
        stepped = list(threads.map(lambda rollout: step(rollout, settings), rollouts))
    metrics = aggregate_for_environment("dikast", [told for _, _, told in stepped])
    if "share/gated" not in metrics:
        raise AssertionError(f"SkyRL made {sorted(metrics)} of the metrics")
    given = {name: reward for name, reward, _ in stepped}
    rewards = {name: None if told["share/missing"] else reward for name, reward, told in stepped}
    advantages: dict[str, float | None] = {one.id: None for one in rollouts}
    for group in groups_of(rollouts).values():
        numbers = {one.id: reward for one in group if (reward := given[one.id]) is not None}
        # A batch with a step that raised is not trained on.
        if len(numbers) == len(group):
            advantages.update(zip(numbers, in_group(list(numbers.values())), strict=True))
    yield Finding(
        trainer="SkyRL gym",
        version=version("skyrl-gym"),
        rewards=rewards,
        advantages=advantages,
        alone=alone(rollouts, rewards, in_group),
        siblings="scaled",
    )


def step(rollout: Rollout, settings: dict[str, Any]) -> tuple[str, float | None, dict[str, Any]]:
    """Plays one rollout; None where the step raises for what is missing."""
    extras = {
        "reward_spec": {"method": "rule", "ground_truth": rollout.reference},
        "extra_info": {"id": rollout.id, "group": rollout.group},
        "contract": rollout.columns["contract"],
        "rule": rollout.columns["rule"],
    }
    env = skyrl_gym.make("dikast", env_config=settings, extras=extras)
    env.init(msgspec.to_builtins(rollout.prompt))
    try:
        reward = env.step(rollout.completion)["reward"]
    except ModelError:
        reward = None
    told = env.get_metrics()
    env.close()
    return rollout.id, reward, told


def in_group(rewards: Sequence[float]) -> list[float]:
    """The advantages of one group; a lone rollout is left out here, as SkyRL would take its raw reward."""
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    mean = sum(rewards) / len(rewards)
    deviation = math.sqrt(sum((reward - mean) ** 2 for reward in rewards) / (len(rewards) - 1))
    return [(reward - mean) / (deviation + ADDED) for reward in rewards]


if __name__ == "__main__":
    drive(findings)
