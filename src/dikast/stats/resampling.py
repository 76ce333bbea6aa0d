"""The bootstrap for figures of counts: resamples are drawn as counts of the distinct units, all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dikast.stats.intervals import CONFIDENCE, Interval, holding
from dikast.stats.ratings import Floats, Ints

RESAMPLES = 2000
MAX_KINDS = 5000
"""Distinct units up to which a bootstrap is drawn: above it would need gigabytes, and the interval is left out."""


def bootstrap_counts(
    counts: Ints, figure: Callable[[Floats], Floats], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """A figure of the counts of distinct units, with a percentile bootstrap interval.

    `figure` takes counts of shape (resamples, kinds) and gives one figure a row, NaN where it has none. A draw with
    replacement from n units is a multinomial draw of their counts, so the cost does not grow with n. There are no
    bounds where there is one kind, which a resample cannot vary, or where a figure is undefined in most resamples.
    """
    n = int(counts.sum())
    value = float(figure(counts[None, :].astype(np.float64))[0]) if n else float("nan")
    if np.isnan(value):
        return Interval(value=None, low=None, high=None, n=n)
    if not 1 < len(counts) <= MAX_KINDS:
        return Interval(value=value, low=None, high=None, n=n)
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=resamples).astype(np.float64)
    figures = figure(drawn)
    figures = figures[~np.isnan(figures)]
    if len(figures) < resamples / 2:
        return Interval(value=value, low=None, high=None, n=n)
    low, high = np.quantile(figures, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return holding(value, float(low), float(high), n)
