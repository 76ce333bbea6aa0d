"""OpenPipe ART: a group is scored when it is gathered.

    judge = ArtReward(RewardSettings(reward="/data/reward.yaml", certificate="/data/certificate.json"))
    groups = await art.gather_trajectory_groups(..., after_each=judge.score_group)

A trajectory whose score is missing is dropped from its group, and a group with less than two left is dropped whole:
its advantages would be zero. The metadata of group and trajectory are the reward's columns. Parts become metrics, and
what the judge said stands in the trajectory's logs. What is raised here ends the gathering, whatever `max_exceptions`
allows: that is wrong credentials, a column that is not there, `on_missing: raise`, and too much missing altogether.
"""

# ART is in an environment of its own, and here pyright takes this very file for it.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false, reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from art import Trajectory, TrajectoryGroup

from dikast.adapters.group import group_scorer
from dikast.adapters.missing import rewards_of
from dikast.adapters.opening import RewardSettings
from dikast.adapters.told import metrics_of, reasons_of, values_of
from dikast.adapters.turns import messages_of, text_of
from dikast.records import Message, Rollout, Score
from dikast.rollouts import group_of

FEWEST = 2
"""Trajectories that a group needs for any of them to be better than another."""


class ArtReward:
    """A reward for `after_each`. It can be sent to another process; the reward is opened there."""

    def __init__(self, settings: RewardSettings) -> None:
        self.settings = settings

    async def score_group(self, group: TrajectoryGroup) -> TrajectoryGroup | None:
        """Gives a group of the trajectories that have a reward, as copies; None where there are too few."""
        scorer = group_scorer(self.settings)
        scores = await scorer.score(rollouts_of(group))
        rewards = rewards_of(scores, self.settings.on_missing, scorer.reward.about.range)
        kept = [
            _judged(trajectory, score, reward)
            for trajectory, score, reward in zip(group.trajectories, scores, rewards, strict=True)
            if reward is not None
        ]
        if len(kept) < FEWEST:
            return None
        judged = TrajectoryGroup(
            kept, exceptions=group.exceptions, metadata=group.metadata, metrics=group.metrics, logs=list(group.logs)
        )
        for score, reward in zip(scores, rewards, strict=True):
            if reward is None:
                judged.log(f"dropped, {score.missing}: {values_of(score)}")
        return judged


def rollouts_of(group: TrajectoryGroup) -> list[Rollout]:
    """Makes rollouts of a group's trajectories: what stands before the policy's first turn is the prompt."""
    split = [_split(trajectory) for trajectory in group.trajectories]
    # One prompt, whatever its turns look like once tools have answered.
    name = str(group.metadata.get("group") or (group_of(split[0][0]) if split else ""))
    return [
        _rollout(f"{name}-{at}", name, prompt, completion, {**group.metadata, **trajectory.metadata})
        for at, (trajectory, (prompt, completion)) in enumerate(zip(group.trajectories, split, strict=True))
    ]


def _rollout(name: str, group: str, prompt: tuple[Message, ...], completion: str, columns: dict[str, Any]) -> Rollout:
    reference = columns.pop("reference", None)
    columns.pop("group", None)
    return Rollout(
        id=name,
        group=group,
        prompt=prompt,
        completion=completion,
        reference=reference if isinstance(reference, str) else None,
        columns=columns,
    )


def _split(trajectory: Trajectory) -> tuple[tuple[Message, ...], str]:
    turns: Sequence[Any] = trajectory.messages()
    first = _first_of_policy(trajectory, turns)
    written = (turn for turn in turns[first:] if turn.get("role") == "assistant")
    return messages_of(turns[:first]), "".join(text_of(turn.get("content")) for turn in written)


def _first_of_policy(trajectory: Trajectory, turns: Sequence[Any]) -> int:
    """Where the policy begins: its turns are choices of a server's reply, or else the first assistant's."""
    for at, turn in enumerate(trajectory.messages_and_choices):
        if not isinstance(turn, dict):
            return at
    return next((at for at, turn in enumerate(turns) if turn.get("role") == "assistant"), len(turns))


def _judged(trajectory: Trajectory, score: Score, reward: float) -> Trajectory:
    said = [line for line in (values_of(score), reasons_of(score)) if line]
    return trajectory.model_copy(
        update={
            "reward": reward,
            "metrics": trajectory.metrics | metrics_of([score]),
            "logs": [*trajectory.logs, *said],
        }
    )
