"""What two rewards say of one group: who is above whom, who is best, who is above the mean. Pure.

A trainer that compares siblings learns from nothing else: scores that all rise by a tenth change none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dikast.stats.ratings import Floats

ALIKE = 1e-9
"""By how much two sums of the same parts may differ."""


class Pairs(NamedTuple):
    """Pairs of siblings that have both scores each."""

    all: int
    swapped: int
    """The other one is above now."""
    untied: int
    """Tied then and not now."""
    tied: int
    """Tied now and not then."""


class Siblings(NamedTuple):
    """One group under both rewards."""

    rollouts: int
    valid_then: int
    valid_now: int
    both: int
    sum_then: float
    sum_now: float
    """Over the rollouts that have both scores."""
    pairs: Pairs
    another_best: bool | None
    """Whether none of the best then is among the best now; None where fewer than two have both scores."""
    flat_then: bool | None
    flat_now: bool | None
    """Whether the valid scores are all equal, so that a trainer learns nothing of them; None for a rollout alone."""
    turned: int
    """Rollouts whose score is on the other side of the group's mean, each reward's own."""


def siblings_of(then: Sequence[float | None], now: Sequence[float | None]) -> Siblings:
    """Holds the scores of a group's rollouts against each other; a missing one is in no mean and no pair."""
    both = [(a, b) for a, b in zip(then, now, strict=True) if a is not None and b is not None]
    before, after = [a for a, _ in both], [b for _, b in both]
    return Siblings(
        rollouts=len(then),
        valid_then=sum(score is not None for score in then),
        valid_now=sum(score is not None for score in now),
        both=len(both),
        sum_then=fsum(before),
        sum_now=fsum(after),
        pairs=_pairs(before, after),
        another_best=_best(before).isdisjoint(_best(after)) if len(both) > 1 else None,
        flat_then=_flat(then) if len(then) > 1 else None,
        flat_now=_flat(now) if len(now) > 1 else None,
        turned=_turned(then, now),
    )


def _pairs(then: Sequence[float], now: Sequence[float]) -> Pairs:
    import numpy as np

    before, after = np.asarray(then, dtype=np.float64), np.asarray(now, dtype=np.float64)
    swapped = untied = tied = 0
    # Row by row: a group of a whole run's size would else be a table of its square.
    for at in range(len(before) - 1):
        a, b = (_sides(one[at + 1 :] - one[at]) for one in (before, after))
        swapped += int((a * b < 0).sum())
        untied += int(((a == 0) & (b != 0)).sum())
        tied += int(((a != 0) & (b == 0)).sum())
    return Pairs(len(then) * (len(then) - 1) // 2, swapped, untied, tied)


def _sides(differences: Floats) -> Floats:
    import numpy as np

    return np.where(np.abs(differences) <= ALIKE, 0, np.sign(differences))


def _best(scores: Sequence[float]) -> set[int]:
    most = max(scores, default=0.0)
    return {at for at, score in enumerate(scores) if most - score <= ALIKE}


def _flat(scores: Sequence[float | None]) -> bool:
    valid = [score for score in scores if score is not None]
    return not valid or max(valid) - min(valid) <= ALIKE


def _turned(then: Sequence[float | None], now: Sequence[float | None]) -> int:
    return sum(a * b < 0 for a, b in zip(_above_mean(then), _above_mean(now), strict=True))


def _above_mean(scores: Sequence[float | None]) -> list[int]:
    """1 above the mean of the valid ones, −1 below, 0 on it or without a score."""
    valid = [score for score in scores if score is not None]
    mean = fsum(valid) / len(valid) if valid else 0.0
    return [0 if score is None or abs(score - mean) <= ALIKE else 1 if score > mean else -1 for score in scores]
