"""TRL before 1.6: what is missing gets its group's mean, so its advantage is zero and its siblings' grow as documented."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from trl.trainer.grpo_config import GRPOConfig

from dikast.conform.drivers.telling import drive
from dikast.conform.drivers.trl import KeptSync, RecitingGRPO, finding, in_group, train
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    rollouts = recorded.rollouts()
    reward = KeptSync.load(recorded.setting)
    advantages = train(RecitingGRPO, GRPOConfig, reward, rollouts)
    # The mean that stands in is no reward: what the judge did not give is missing here too.
    given = [None if gone else value for value, gone in zip(reward.given, reward.missing, strict=True)]
    found = finding("TRL before 1.6", rollouts, given, advantages, in_group)
    yield msgspec.structs.replace(found, siblings="scaled")


if __name__ == "__main__":
    drive(findings)
