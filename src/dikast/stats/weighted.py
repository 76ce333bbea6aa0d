"""Weighted sums of means that share their units: the J of several criteria together, and how far two judges are apart in it.

    weighted_sum([Term(weight=0.5, values={"g1": [1, 0], "g2": [1]}), ...])

No resampling: the variance is that of the sum's linear form between groups, so that criteria of one candidate and
candidates of one prompt are not taken for independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

from dikast.stats.intervals import CONFIDENCE, Interval, holding, unknown

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Term(NamedTuple):
    """A mean with its weight in the sum."""

    weight: float
    values: Mapping[str, Sequence[float]]
    """Group → the values that the mean is of, within −1..1: a share of hits, or the difference of two judges' hits."""


def weighted_sum(terms: Sequence[Term], *, offset: float = 0.0) -> Interval:
    """Σ weight × mean + offset, with its 95 % interval; unknown where a mean is of nothing. n counts values.

    Values that are all alike tell no spread. A term's variance is therefore taken to be at least z² / (n + z²)², which
    gives it the width of Wilson's interval for n of n, and of Tango's for a paired difference where no pair differs.
    """
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    sizes = [sum(map(len, term.values.values())) for term in terms]
    n = sum(sizes)
    if not terms or not all(sizes):
        return unknown(n)
    value, variance = offset, 0.0
    between: dict[str, float] = {}
    for term, size in zip(terms, sizes, strict=True):
        mean = math.fsum(map(math.fsum, term.values.values())) / size
        value += term.weight * mean
        own = 0.0
        for group, values in term.values.items():
            between[group] = between.get(group, 0.0) + term.weight * math.fsum(x - mean for x in values) / size
            own += math.fsum((x - mean) ** 2 for x in values) / size**2
        variance += term.weight**2 * max(0.0, (_Z / (size + _Z**2)) ** 2 - own)
    if len(between) < 2:
        return Interval(value=value, low=None, high=None, n=n)
    variance += math.fsum(x * x for x in between.values()) * len(between) / (len(between) - 1)
    # Student's, by the groups: with some fifteen of them the normal's width falls two points short of 95 %.
    half = float(stdtrit(len(between) - 1, 0.5 + CONFIDENCE / 2)) * math.sqrt(variance)
    return holding(value, value - half, value + half, n)
