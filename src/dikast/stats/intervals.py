"""Intervals: every figure that dikast reports is a value with its bounds and its n.

All are two-sided 95 % intervals unless said otherwise, and hold their value. What cannot be had is
None, never a number. numpy and scipy load only where a function needs them, so that a certificate
can be read where neither is installed.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import NormalDist, fmean
from typing import NamedTuple

import msgspec

CONFIDENCE = 0.95
RESAMPLES = 10_000
_BATCH_CELLS = 2_000_000
"""Draws held in memory at a time by a bootstrap."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure, its bounds, and how many observations it rests on."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class PairedDifference(NamedTuple):
    """A mean difference over documents, and its two-sided bootstrap p; None with fewer than two documents."""

    interval: Interval
    p: float | None


def unknown(n: int = 0) -> Interval:
    """The interval of a figure that could not be had."""
    return Interval(value=None, low=None, high=None, n=n)


def holding(value: float, low: float, high: float, n: int) -> Interval:
    """An interval whose bounds are kept on their sides of the value: rounding may push them past it."""
    return Interval(value=value, low=min(low, value), high=max(high, value), n=n)


def within(interval: Interval, least: float, most: float = math.inf) -> Interval:
    """The interval with its bounds kept to what the figure can be; few units may carry them past it."""
    if interval.low is None or interval.high is None:
        return interval
    value = 0.0 if interval.value is None else interval.value
    low, high = max(least, interval.low), min(most, interval.high)
    # A figure at its end may lie past it by rounding.
    return msgspec.structs.replace(interval, low=min(low, value), high=max(high, value))


def wilson(k: float, n: float) -> Interval:
    """The Wilson score interval of a share, k of n. Counts may be fractions, where observations share a unit."""
    if n < 0 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if n == 0:
        return unknown()
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = k / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return holding(share, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale), round(n))


def clopper_pearson_lower(k: int, n: int, alpha: float = 0.05) -> float | None:
    """The exact one-sided lower bound of a share at confidence 1 - alpha; None without observations."""
    from scipy.special import betaincinv  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    if n < 0 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if n == 0:
        return None
    return float(betaincinv(k, n - k + 1, alpha)) if k else 0.0


def clopper_pearson_upper(k: int, n: int, alpha: float = 0.05) -> float | None:
    """The exact one-sided upper bound of a share at confidence 1 - alpha; None without observations."""
    lower = clopper_pearson_lower(n - k, n, alpha)
    return None if lower is None else 1 - lower


def youden(tpr: Interval, tnr: Interval) -> Interval:
    """Youden's J = TPR + TNR - 1 with Newcombe's interval: variances recovered from the two shares' own (MOVER)."""
    n = tpr.n + tnr.n
    if tpr.value is None or tpr.low is None or tpr.high is None:
        return unknown(n)
    if tnr.value is None or tnr.low is None or tnr.high is None:
        return unknown(n)
    value = tpr.value + tnr.value - 1
    below = math.hypot(tpr.value - tpr.low, tnr.value - tnr.low)
    above = math.hypot(tpr.high - tpr.value, tnr.high - tnr.value)
    return holding(value, max(-1.0, value - below), min(1.0, value + above), n)


def minus(first: Interval, second: Interval) -> Interval:
    """The difference of two independent figures, first - second, by MOVER: variances recovered from their own bounds.

    No bounds where one of them has none; n counts both.
    """
    n = first.n + second.n
    if first.value is None or second.value is None:
        return unknown(n)
    value = first.value - second.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Interval(value=value, low=None, high=None, n=n)
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return holding(value, value - below, value + above, n)


def ratio_bounds(top: Interval, bottom: Interval) -> tuple[float, float, float] | None:
    """The ratio of two independent shares between its bounds, by MOVER as for a difference (Donner & Zou 2012).

    Infinite where the bottom may be nothing; None where a share is not known.
    """
    if top.value is None or top.low is None or top.high is None:
        return None
    if bottom.value is None or bottom.low is None or bottom.high is None:
        return None
    product = top.value * bottom.value
    low, high = _end(top.value, top.low), _end(bottom.value, bottom.high)
    below = product + math.sqrt(max(0.0, product**2 - low * high))
    least = low / below if below > 0 else 0.0
    high, low = _end(top.value, top.high), _end(bottom.value, bottom.low)
    above = product + math.sqrt(max(0.0, product**2 - high * low))
    ratio = top.value / bottom.value if bottom.value > 0 else math.inf
    return least, ratio, above / low if low > 0 else math.inf


def _end(value: float, bound: float) -> float:
    """What a bound brings into the equation whose roots are those of the ratio."""
    return bound * (2 * value - bound)


def bootstrap_mean(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """The mean with a percentile bootstrap interval that draws whole clusters; each value its own where not given.

    n counts the values. With fewer than two clusters there are no bounds.
    """
    names = range(len(values)) if clusters is None else clusters
    by_cluster: dict[Hashable, list[float]] = {}
    for name, value in zip(names, values, strict=True):
        by_cluster.setdefault(name, []).append(value)
    sums = [math.fsum(members) for members in by_cluster.values()]
    sizes = [float(len(members)) for members in by_cluster.values()]
    return bootstrap_share(sums, sizes, n=len(values), seed=seed, resamples=resamples)


def bootstrap_share(
    sums: Sequence[float], sizes: Sequence[float], *, n: int, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Σ sums / Σ sizes, one of each for a cluster, with a percentile bootstrap interval that draws clusters; unknown without one."""
    if not sums:
        return unknown()
    value = math.fsum(sums) / math.fsum(sizes)
    if len(sums) < 2:
        return Interval(value=value, low=None, high=None, n=n)
    low, high, _ = _bootstrap_ratio(sums, sizes, seed=seed, resamples=resamples)
    return holding(value, low, high, n)


def bootstrap_paired(
    first: Mapping[str, Sequence[float]],
    second: Mapping[str, Sequence[float]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> PairedDifference:
    """Mean of first - second over the documents that both have values for, drawing documents.

    Each mapping gives a document's values in one arm: its samples, over all seeds. A document counts
    once, however many values it has; n counts documents. p inverts the same percentile interval: twice
    the smaller share of resampled differences on either side of zero, the observed one counted in.
    """
    shared = [name for name, values in first.items() if values and second.get(name)]
    differences = [fmean(first[name]) - fmean(second[name]) for name in shared]
    if not differences:
        return PairedDifference(unknown(), None)
    mean = fmean(differences)
    if len(differences) < 2:
        return PairedDifference(Interval(value=mean, low=None, high=None, n=1), None)
    low, high, p = _bootstrap_ratio(differences, [1.0] * len(differences), seed=seed, resamples=resamples)
    return PairedDifference(holding(mean, low, high, len(differences)), p)


def _bootstrap_ratio(
    sums: Sequence[float], sizes: Sequence[float], *, seed: int, resamples: int
) -> tuple[float, float, float]:
    """Percentile bounds, and the two-sided p against zero, of Σ sums / Σ sizes when clusters are drawn anew."""
    import numpy as np
    from numpy.typing import NDArray
    from scipy.stats import bootstrap  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  scipy has no types

    def ratio(top: NDArray[np.float64], bottom: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    result = bootstrap(
        (np.asarray(sums, dtype=np.float64), np.asarray(sizes, dtype=np.float64)),
        ratio,
        n_resamples=resamples,
        batch=max(1, _BATCH_CELLS // len(sums)),
        vectorized=True,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    drawn: NDArray[np.float64] = np.asarray(result.bootstrap_distribution)
    below = (1 + int((drawn <= 0).sum())) / (resamples + 1)
    above = (1 + int((drawn >= 0).sum())) / (resamples + 1)
    low, high = np.quantile(drawn, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return float(low), float(high), min(1.0, 2 * min(below, above))
