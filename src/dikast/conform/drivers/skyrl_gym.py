"""SkyRL gym: environments made by its registry and stepped as its generator does, in threads of one process.

The advantages are none of the gym's: a batch in which a step raises is never trained on.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportCallIssue=false

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import msgspec
import skyrl_gym
from skyrl_gym.envs import register
from skyrl_gym.metrics import aggregate_for_environment

from dikast.conform.drivers.telling import drive
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.errors import ModelError
from dikast.records import Rollout

THREADS = 32
"""Of SkyRL's generator, where it is not told otherwise."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    register(id="dikast", entry_point="dikast.adapters.skyrl:JudgedEnv")
    settings = {"reward": str(recorded.reward)}
    with ThreadPoolExecutor(THREADS) as threads:
        stepped = list(threads.map(lambda rollout: step(rollout, settings), recorded.rollouts()))
    metrics = aggregate_for_environment("dikast", [told for _, _, told in stepped])
    if "share/gated" not in metrics:
        raise AssertionError(f"SkyRL made {sorted(metrics)} of the metrics")
    yield Finding(
        trainer="SkyRL gym",
        version=version("skyrl-gym"),
        rewards={name: reward for name, reward, _ in stepped},
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


if __name__ == "__main__":
    drive(findings)
