"""How far each item moves a correlation: the infinitesimal jackknife, for intervals that need no normal distribution.

The usual variances on Fisher's scale hold for values that are normal, or nearly so. Verdicts are yes and no, or a few
labels of which one is frequent; there the usual intervals hold the truth in 70 to 90 % of the cases instead of 95.
Each function gives the mean of the squared influence of an item: n times the variance of the figure.
"""

from __future__ import annotations

import math

import numpy as np

from dikast.stats.correlation import beyond, tau_table
from dikast.stats.ratings import Floats, Ints


def of_pearson(x: Floats, y: Floats, r: float) -> float:
    """Of Pearson's r, where both sides vary."""
    u, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    moves = u * v - r / 2 * (u**2 + v**2)
    return float(moves @ moves) / len(x)


def of_spearman(a: Ints, b: Ints, levels: int, rho: float) -> float:
    """Of Spearman's rho, where both sides vary: an item moves everybody's rank besides having its own."""
    n = len(a)
    below_a, below_b = _below(a, levels), _below(b, levels)
    f, g = below_a[a], below_b[b]
    both = f * g + _above(a, g, levels) + _above(b, f, levels)
    of_a, of_b = f**2 + 2 * _above(a, f, levels), g**2 + 2 * _above(b, g, levels)
    # A share below oneself, ties counting half, is a half in the mean, whatever the distribution.
    spread_a, spread_b = float(f @ f) / n - 0.25, float(g @ g) / n - 0.25
    moves = (both - both.mean()) / math.sqrt(spread_a * spread_b)
    moves -= rho / 2 * ((of_a - of_a.mean()) / spread_a + (of_b - of_b.mean()) / spread_b)
    return float(moves @ moves) / n


def of_tau_b(a: Ints, b: Ints, levels: int, tau: float) -> float | None:
    """Of Kendall's tau-b, where both sides vary; None where the table of the labels would be too large."""
    table = tau_table(a, b, levels)
    if table is None:
        return None
    n = len(a)
    concordant = beyond(table) + beyond(table[::-1, ::-1])[::-1, ::-1]
    discordant = beyond(table[:, ::-1])[:, ::-1] + beyond(table[::-1])[::-1]
    lead = (concordant - discordant) / n
    apart_a = 1 - table.sum(axis=1, keepdims=True) / n
    apart_b = 1 - table.sum(axis=0, keepdims=True) / n
    mean_a, mean_b, mean = (float((table * x).sum()) / n for x in (apart_a, apart_b, lead))
    moves = 2 * (lead - mean) / math.sqrt(mean_a * mean_b)
    moves = moves - tau * ((apart_a - mean_a) / mean_a + (apart_b - mean_b) / mean_b)
    return float((table * moves**2).sum()) / n


def _below(codes: Ints, levels: int) -> Floats:
    """The share of the items below each label, those with it counting half."""
    counts = np.bincount(codes, minlength=levels)
    return (np.cumsum(counts) - counts / 2) / len(codes)


def _above(codes: Ints, weights: Floats, levels: int) -> Floats:
    """For each item the weights of the items above it, those beside it counting half, over the number of items."""
    at = np.bincount(codes, weights=weights, minlength=levels)
    return (at.sum() - np.cumsum(at) + at / 2)[codes] / len(codes)
