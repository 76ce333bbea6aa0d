"""Intervals of means of shares, and of what follows from them by a line or a logarithm. No resampling.

A verdict's share of what it could have been lies in 0..1: an agreement, a weighted agreement, half a win.
`share` is Wilson's interval for the mean of such values.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from dikast.stats.intervals import CONFIDENCE, Interval, holding, unknown, wilson
from dikast.stats.jackknife import one_less, variance
from dikast.stats.ratings import Floats

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def share(tops: Floats, bottoms: Floats | None = None) -> Interval:
    """Σ tops / Σ bottoms, every top between 0 and its bottom: Wilson's interval with the n that the spread stands for.

    Each position is one independent unit, an item. With n_eff = p (1 − p) / variance, the variance that of the
    ratio between units (linearised), whole units count as what they are: 20 verdicts about one item are not 20
    observations. For zeros and ones this is Wilson's interval. Where all units are alike, which tells no spread,
    n_eff is the number of units. n counts units.
    """
    units = len(tops)
    whole = np.ones(units) if bottoms is None else bottoms
    total = float(whole.sum())
    if not units or total <= 0:
        return unknown(units)
    p = min(1.0, max(0.0, float(tops.sum()) / total))
    return spread_share(p, ratio_variance(tops, whole), units)


def ratio_variance(tops: Floats, bottoms: Floats) -> float:
    """The variance of Σ tops / Σ bottoms between units, linearised."""
    units, total = len(tops), float(bottoms.sum())
    residuals = (tops - float(tops.sum()) / total * bottoms) * (units / total)
    # Divided by n and not by n - 1: zeros and ones give Wilson's interval exactly.
    return float((residuals**2).sum()) / units**2


def share_at_most(tops: Floats, bottoms: Floats, alpha: float = 0.05) -> float | None:
    """The one-sided upper bound of Σ tops / Σ bottoms at confidence 1 - alpha; None where there is nothing.

    Clopper and Pearson's, with the n that the spread between units stands for (Korn & Graubard 1998): at most the sum
    of the bottoms, and the number of units where they are all alike. For zeros and ones it is the exact bound.
    """
    from scipy.special import betaincinv  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    units, total = len(tops), float(bottoms.sum())
    if not units or total <= 0:
        return None
    p = float(tops.sum()) / total
    if p >= 1:
        return 1.0
    variance = ratio_variance(tops, bottoms)
    n = min(total, p * (1 - p) / variance) if variance > 1e-15 else float(units)
    return float(betaincinv(p * n + 1, (1 - p) * n, 1 - alpha))


def spread_share(p: float, variance: float, units: int) -> Interval:
    """Wilson's interval of a share whose variance is known, from the n that this variance stands for.

    Where it is 0, which tells nothing, that is the number of units; n counts those in any case.
    """
    known = variance > 1e-15 and 0 < p < 1
    effective = p * (1 - p) / variance if known else float(units)
    bounds = wilson(p * effective, effective)
    return Interval(value=bounds.value, low=bounds.low, high=bounds.high, n=units)


def through(shown: Interval, chance: float) -> Interval:
    """Agreement beyond chance, (agreement − chance) / (1 − chance), with the bounds of agreement carried through.

    The chance is held at its estimate; `beyond_chance` lets it vary. Unknown where chance is 1.
    """
    if chance >= 1 - 1e-12 or shown.value is None or shown.low is None or shown.high is None:
        return unknown(shown.n)
    value, low, high = ((x - chance) / (1 - chance) for x in (shown.value, shown.low, shown.high))
    return holding(value, low, high, shown.n)


def beyond_chance(together: float, chance: float, without: tuple[Floats, Floats], n: int) -> Interval:
    """Agreement beyond a chance that is estimated from the same units and varies with them. Unknown where chance is 1.

    `without` is the agreement and the chance with each unit left out. The chance is held at its estimate, or varies with
    the units: whichever makes the interval wider. Held alone it is too narrow for Gwet's coefficients where one label is
    frequent (it holds the truth in 83 to 92 % of the cases instead of 95), and varying alone for Fleiss' kappa where
    one label is rare and units are few.
    """
    if chance >= 1 - 1e-12:
        return unknown(n)
    held = variance(together, without[0]) or 0.0
    varying = variance((together - chance) / (1 - chance), one_less(1 - without[0], 1 - without[1])) or 0.0
    return through(spread_share(min(1.0, max(0.0, together)), max(held, varying * (1 - chance) ** 2), n), chance)


def by_fisher(r: float | None, n: int, *, variance: float) -> Interval:
    """A correlation's interval on Fisher's scale, its variance there given; no bounds where it is ±1 or n is small."""
    if r is None:
        return unknown(n)
    if abs(r) >= 1 - 1e-12 or not 0 < variance < math.inf:
        return Interval(value=r, low=None, high=None, n=n)
    half = _Z * math.sqrt(variance)
    return holding(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), n)


def by_t(values: Floats) -> Interval:
    """The mean with Student's interval; no bounds for fewer than two values."""
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    n = len(values)
    if not n:
        return unknown()
    mean = float(values.mean())
    if n < 2:
        return Interval(value=mean, low=None, high=None, n=n)
    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(values.std(ddof=1)) / math.sqrt(n)
    return holding(mean, mean - half, mean + half, n)
