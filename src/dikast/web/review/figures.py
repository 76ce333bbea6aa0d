"""What the answers say of the judge while people label: agreement with its interval, and what more labels would bring. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval, wilson

MORE = (10, 50)
"""Further labels for which the interval is foretold."""


class Width(msgspec.Struct, frozen=True, kw_only=True):
    """Half of an interval's width, now and after more labels at the same rate."""

    now: float
    after: dict[str, float]
    """How many more labels → half width."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How one annotator's answers to one criterion agree with somebody's."""

    agreement: Interval
    kappa: Interval
    width: Width | None
    """None without an answer in common."""


def agreement_of(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    """Compares pairs of (the other's answer, the annotator's)."""
    table = Confusion.of([other for other, _ in pairs], [own for _, own in pairs])
    alike = sum(other == own for other, own in pairs)
    return Agreement(agreement=table.agreement, kappa=table.kappa, width=width_of(alike, len(pairs)))


def width_of(alike: int, n: int) -> Width | None:
    """Foretells how the interval of a share shrinks if the share stays as it is."""
    if not n:
        return None
    return Width(
        now=_half(alike, n),
        after={str(more): _half(alike * (n + more) / n, n + more) for more in MORE},
    )


def _half(k: float, n: float) -> float:
    interval = wilson(min(k, n), n)
    return ((interval.high or 0.0) - (interval.low or 0.0)) / 2
