"""OpenPipe ART: its gathering of groups.

What it makes of their rewards stands in its tokenization, which needs torch and a model's files; here it is computed
as there, with ART's own question whether a group varies.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import art
from art.utils.grpo import rewards_have_zero_variance

from dikast.adapters.art import ArtReward
from dikast.adapters.opening import RewardSettings
from dikast.conform.drivers.telling import alone, drive, groups_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    yield asyncio.run(gathered(recorded))


async def gathered(recorded: Recorded) -> Finding:
    """Gathers all groups; what does not come back was dropped."""
    rollouts = recorded.rollouts()
    whole = groups_of(rollouts)
    judge = ArtReward(RewardSettings(reward=recorded.setting))
    groups = await art.gather_trajectory_groups(
        [written(group) for group in whole.values()], after_each=judge.score_group, pbar_desc=None
    )
    rewards: dict[str, float | None] = {rollout.id: None for rollout in rollouts}
    advantages: dict[str, float | None] = {rollout.id: None for rollout in rollouts}
    for group in groups:
        given = {str(one.metadata["rollout"]): one.reward for one in group.trajectories}
        rewards.update(given)
        advantages.update(zip(given, advantages_of(list(given.values())), strict=True))
    return Finding(
        trainer="ART",
        version=version("openpipe-art"),
        rewards=rewards,
        advantages=advantages,
        alone=alone(rollouts, rewards, advantages_of),
        dropped=[one.id for group in whole.values() if all(rewards[one.id] is None for one in group) for one in group],
    )


async def written(group: Sequence[Rollout]) -> art.TrajectoryGroup:
    """A group as rollouts of a user's own would bring it."""
    return art.TrajectoryGroup(
        [art.Trajectory(messages_and_choices=turns_of(rollout), metadata={"rollout": rollout.id}) for rollout in group],
        metadata={"contract": group[0].columns["contract"], "rule": group[0].columns["rule"]},
    )


def turns_of(rollout: Rollout) -> list[Any]:
    """The prompt, and what the policy wrote."""
    turns: Any = rollout.prompt
    return [
        *({"role": turn.role, "content": turn.content} for turn in turns),
        {"role": "assistant", "content": rollout.completion},
    ]


def advantages_of(rewards: Sequence[float]) -> list[float]:
    """What `tokenize_trajectory_groups` computes before it cuts a trajectory into tokens, rewards scaled."""
    if not rewards or rewards_have_zero_variance(list(rewards)):
        return [0.0] * len(rewards)
    mean = sum(rewards) / len(rewards)
    deviation = math.sqrt(sum((reward - mean) ** 2 for reward in rewards) / len(rewards))
    return [(reward - mean) / (deviation + 1e-6) for reward in rewards]


if __name__ == "__main__":
    drive(findings)
