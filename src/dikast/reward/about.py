"""What a reward says of itself: all that an adapter must know of it, be it opened here or served elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dikast.spec.judge import PREFERENCE
from dikast.spec.reward import RewardFile


class AboutReward(msgspec.Struct, frozen=True, kw_only=True):
    """A reward."""

    name: str
    hash: str
    certificate_hash: str | None
    """Null where no certificate says what its judge is worth."""
    range: tuple[float, float]
    model: str
    mode: str
    compares_siblings: bool
    """Whether the rollouts of a prompt are compared with each other, so that one alone cannot be judged."""
    criteria: Sequence[str]
    """Those that the certificate leaves on."""
    parts: Sequence[str]
    """The names of a score's parts."""
    checks: Mapping[str, float]
    """What each check that weighs adds to the reward where it passes."""


def parts_of(file: RewardFile, criteria: Sequence[str]) -> list[str]:
    """Names the parts: checks, then the criteria that are on, or the comparison."""
    return [*(check.part_name for check in file.checks), *(criteria or (PREFERENCE,))]


def worth_of_checks(file: RewardFile) -> dict[str, float]:
    """Says what each check that weighs can add."""
    low, high = file.range
    scale = 1.0 if file.aggregate == "healthbench" else high - low
    return {check.part_name: scale * (check.weight or 0.0) for check in file.checks if not check.gate}
