"""How far one figure of the same things goes with another: by rank, and across a limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from dikast.stats.agreement import auc
from dikast.stats.intervals import Interval

if TYPE_CHECKING:
    from dikast.stats.ratings import Ints


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """How far a value goes with an outcome. Both rise where more of the one means more of the other."""

    spearman: Interval
    """Rank correlation, by the infinitesimal jackknife on Fisher's scale."""
    auc: Interval
    """Chance that of two, one with a good outcome and one without, the good one has the higher value, ties half."""


def association(values: Sequence[float], outcomes: Sequence[float], good: Sequence[bool]) -> Association:
    """Holds values against outcomes of the same things, and against whether each outcome is good; units are independent."""
    return Association(spearman=rank_correlation(values, outcomes), auc=auc(values, good))


def rank_correlation(x: Sequence[float], y: Sequence[float], clusters: Ints | None = None) -> Interval:
    """Spearman's rho of two figures of the same things, by the infinitesimal jackknife on Fisher's scale.

    `clusters` numbers from 0 what stands together and is no evidence of its own. n counts the things.
    """
    import numpy as np

    from dikast.stats.correlation import spearman
    from dikast.stats.crossed import Crossed
    from dikast.stats.influence import of_spearman
    from dikast.stats.shares import by_fisher

    n = len(x)
    units = n if clusters is None else len(np.unique(clusters))
    (levels_x, a), (levels_y, b) = (np.unique(np.asarray(one, np.float64), return_inverse=True) for one in (x, y))
    met = Crossed.of(a, b, max(len(levels_x), len(levels_y)))
    rho = spearman(met)
    if rho is None or units < 4 or abs(rho) >= 1 - 1e-12:
        return by_fisher(rho, n, variance=0.0)
    variance = of_spearman(met, rho, clusters) / (1 - rho**2) ** 2 / (n * (units - 3) / units)
    return by_fisher(rho, n, variance=variance)
