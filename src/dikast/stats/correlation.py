"""Rank and product-moment correlation, and the intraclass correlation, from arrays of values.

`tau_b` and `spearman` are Kendall's and Spearman's with ties, as in scipy.stats: where the labels are few they come
from a table of counts, which takes thousandths of the time that sorting does.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from dikast.stats.crossed import Crossed
from dikast.stats.intervals import CONFIDENCE, Interval, holding, unknown
from dikast.stats.ratings import Floats

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def pearson(x: Floats, y: Floats) -> float | None:
    """Pearson's r; None where one side never varies."""
    if len(x) < 2:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    spread = math.sqrt(float((dx**2).sum())) * math.sqrt(float((dy**2).sum()))
    # What is left of a constant by rounding is no spread.
    floor = 1e-12 * len(x) * max(1.0, float(np.abs(x).max()) * float(np.abs(y).max()))
    return max(-1.0, min(1.0, float((dx * dy).sum()) / spread)) if spread > floor else None


def midranks(counts: Floats) -> Floats:
    """The mean rank of each level, ties sharing theirs, from how often each occurs."""
    return np.cumsum(counts) - (counts - 1) / 2


def spearman(met: Crossed) -> float | None:
    """Spearman's rho of two columns of codes."""
    return pearson(met.below_a[met.a], met.below_b[met.b])


def tau_b(met: Crossed, table: Floats | None) -> float | None:
    """Kendall's tau-b of two columns of codes, by their table where there is one; None where one side never varies."""
    if not met.varies:
        return None
    if table is None:
        from scipy.stats import kendalltau  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

        found: Floats = np.asarray(kendalltau(met.a, met.b, method="asymptotic"))
        return float(found[0])
    concordant = float((table * beyond(table)).sum())
    discordant = float((table * beyond(table[:, ::-1])[:, ::-1]).sum())
    pairs = met.n * (met.n - 1) / 2
    tied_a, tied_b = (float((t * (t - 1) / 2).sum()) for t in (table.sum(axis=1), table.sum(axis=0)))
    return (concordant - discordant) / math.sqrt((pairs - tied_a) * (pairs - tied_b))


def icc_2_1(table: Floats) -> Interval:
    """ICC(2,1) of Shrout & Fleiss (1979): two-way random, absolute agreement, a single rater.

    `table` has one row an item and one column a rater, none missing; n counts items. The interval is theirs, by F,
    which takes ratings for normal, and where it is wider the jackknife's over items, which takes the raters for all
    there are. Unknown with fewer than two of either, or where nothing varies.
    """
    from scipy.special import fdtri  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    n, k = table.shape
    if n < 2 or k < 2:
        return unknown(n)
    centred = table - table.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    between = k * float((rows**2).sum()) / (n - 1)
    raters = n * float((columns**2).sum()) / (k - 1)
    error = float(((centred - rows[:, None] - columns[None, :]) ** 2).sum()) / ((n - 1) * (k - 1))
    whole = between + (k - 1) * error + k * (raters - error) / n
    if whole <= 1e-12 * max(1.0, float((centred**2).sum())):
        return unknown(n)
    value = (between - error) / whole
    if error <= 1e-12 * whole:
        # F is infinite: only the raters' means differ, if anything does, and the interval has no width.
        return Interval(value=value, low=None, high=None, n=n)
    ratio = raters / error
    rest = n * (1 + (k - 1) * value) - k * value
    spread = (n - 1) * (k * value * ratio) ** 2 + rest**2
    if spread <= 1e-12:
        # Raters alike in the mean who disagree as much as can be: Satterthwaite's degrees of freedom do not exist.
        return Interval(value=value, low=None, high=None, n=n)
    freedom = (k - 1) * (n - 1) * (k * value * ratio + rest) ** 2 / spread
    tail = 0.5 + CONFIDENCE / 2
    above, below = float(fdtri(n - 1, freedom, tail)), float(fdtri(freedom, n - 1, tail))
    others = k * raters + (k * n - k - n) * error
    low = _ratio(n * (between - above * error), above * others + n * between)
    high = _ratio(n * (below * between - error), others + n * below * between)
    if low is None or high is None:
        return Interval(value=value, low=None, high=None, n=n)
    if n > 2:
        others_low, others_high = _by_jackknife(value, _iccs_without(centred), k)
        low, high = min(low, others_low), max(high, others_high)
    return holding(value, low, high, n)


def _by_jackknife(value: float, without: Floats, k: int) -> tuple[float, float]:
    """Bounds from the figure without each item, by the log of (1 + (k − 1) ICC) / (1 − ICC); the value twice where there are none."""
    n = len(without)
    spread = (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    if not -1 / (k - 1) < value < 1 or not spread > 0:
        return value, value
    odds = (1 + (k - 1) * value) / (1 - value)
    shrunk = math.exp(-_Z * math.sqrt(spread) * k / ((1 - value) * (1 + (k - 1) * value)))
    low, high = odds * shrunk, shrunk / odds
    return (low - 1) / (low + k - 1), (1 - high) / (1 + (k - 1) * high)


def _iccs_without(centred: Floats) -> Floats:
    """ICC(2,1) without each item in turn; NaN where nothing varies any more."""
    n, k = centred.shape
    left = n - 1
    rows, columns = centred.sum(axis=1), centred.sum(axis=0) - centred
    mean = (centred.sum() - rows) ** 2 / (left * k)
    between = ((rows**2).sum() - rows**2) / k - mean
    raters = (columns**2).sum(axis=1) / left - mean
    squares = (centred**2).sum(axis=1)
    error = (squares.sum() - squares - mean - between - raters) / ((left - 1) * (k - 1))
    between, raters = between / (left - 1), raters / (k - 1)
    whole = between + (k - 1) * error + k * (raters - error) / left
    return np.where(whole > 1e-12, (between - error) / np.where(whole > 1e-12, whole, 1), np.nan)


def _ratio(top: float, bottom: float) -> float | None:
    """None where there is none, or no number."""
    return top / bottom if bottom > 0 and math.isfinite(top) and math.isfinite(bottom) else None


def beyond(table: Floats) -> Floats:
    """For each cell the sum of the cells right below it, in both directions strictly."""
    summed = np.zeros((table.shape[0] + 1, table.shape[1] + 1))
    summed[:-1, :-1] = table[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    return summed[1:, 1:]
