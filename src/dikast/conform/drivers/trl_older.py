"""TRL before 1.6: what is missing gets its group's mean, so its advantage is zero and its siblings' grow as documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from trl.trainer.grpo_config import GRPOConfig

from dikast.adapters.trl import SyncTrlReward
from dikast.conform.drivers.telling import drive
from dikast.conform.drivers.trl import RecitingGRPO, finding, in_group, train
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded


class Kept(SyncTrlReward):
    """The adapter, what it gave, and of whom a score was missing."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.given: list[float | None] = []
        self.missing: list[bool] = []

    def __call__(self, *given: Any, log_extra: Any = None, **columns: Any) -> list[float | None]:
        def logged(name: str, values: list[Any]) -> None:
            if name == "score_status":
                self.missing += [value == "missing" for value in values]

        rewards = super().__call__(*given, log_extra=logged, **columns)
        self.given += rewards
        return rewards


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    rollouts = recorded.rollouts()
    reward = Kept.load(recorded.reward)
    advantages = train(RecitingGRPO, GRPOConfig, reward, rollouts)
    # The mean that stands in is no reward: what the judge did not give is missing here too.
    given = [None if gone else value for value, gone in zip(reward.given, reward.missing, strict=True)]
    found = finding("TRL before 1.6", rollouts, given, advantages, in_group)
    yield msgspec.structs.replace(found, siblings="scaled")


if __name__ == "__main__":
    drive(findings)
