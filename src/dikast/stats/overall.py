"""Agreement among any number of raters who need not all have rated everything.

Only items with two labels or more can agree. Every item counts once in the kappas (Fleiss 1971, and Gwet 2008, 2014
for items with different numbers of raters, where both are the same formula); in Krippendorff's alpha (2011) every
label that can be paired counts once. An interval takes items as the independent units.
"""

from __future__ import annotations

import msgspec
import numpy as np

from dikast.stats.correlation import icc_2_1, midranks
from dikast.stats.intervals import Interval, unknown
from dikast.stats.jackknife import alphas, item_tables, variance
from dikast.stats.pairs import Alpha, ac2_factor, pairwise_square
from dikast.stats.ratings import Floats, Ints, Ratings, Tallies, dot, sums
from dikast.stats.shares import beyond_chance, share, spread_share, through


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all raters together; the bounds of each are in `intervals`."""

    n: int
    """Items with two labels or more."""
    labels: int
    """Labels on them."""
    agreement: float | None
    fleiss_kappa: float | None
    krippendorff_alpha: Alpha
    gwet_ac1: float | None
    gwet_ac2: float | None
    """Quadratic weights."""
    icc_2_1: float | None
    icc_items: int
    """Items that every rater labelled: ICC(2,1) is over them alone."""
    leave_one_out: float | None
    """The mean over the people of their agreement with the majority of the others: the human ceiling."""
    mean_of_pairs: dict[str, float | None]
    """Means over the pairs of raters that are listed; of Cohen's kappa that is Light's (1971)."""
    intervals: dict[str, Interval]


def overall(ratings: Ratings, leave_one_out: Interval, mean_of_pairs: dict[str, float | None]) -> Overall:
    """The figures of all raters."""
    tallies = Tallies.of(ratings)
    found = nominal(ratings, tallies) | numeric(ratings, tallies)
    found["leave_one_out"] = leave_one_out
    complete = complete_table(ratings)
    found["icc_2_1"] = unknown() if complete is None else icc_2_1(complete)

    def value(name: str) -> float | None:
        return found[name].value if name in found else None

    pairable = tallies.of_item[tallies.of_item > 1]
    return Overall(
        n=len(pairable),
        labels=int(pairable.sum()),
        agreement=value("agreement"),
        fleiss_kappa=value("fleiss_kappa"),
        krippendorff_alpha=Alpha(
            nominal=value("alpha_nominal"), ordinal=value("alpha_ordinal"), interval=value("alpha_interval")
        ),
        gwet_ac1=value("gwet_ac1"),
        gwet_ac2=value("gwet_ac2"),
        icc_2_1=value("icc_2_1"),
        icc_items=0 if complete is None else len(complete),
        leave_one_out=leave_one_out.value,
        mean_of_pairs=mean_of_pairs,
        intervals=found,
    )


def nominal(ratings: Ratings, tallies: Tallies) -> dict[str, Interval]:
    """The figures that need to know only whether two labels are the same."""
    many = tallies.of_item > 1
    m = tallies.of_item[many].astype(np.float64)
    if not len(m):
        return {"agreement": unknown()}
    same = sums(tallies.item, tallies.count * (tallies.count - 1.0), tallies.items)[many]
    together = same / (m * (m - 1))
    found = {
        "agreement": share(together),
        "fleiss_kappa": _beyond(together, tallies, factor=None),
        "alpha_nominal": _alpha_nominal(same / (m - 1), tallies),
    }
    if (levels := len(ratings.scale.labels)) > 1:
        found["gwet_ac1"] = _beyond(together, tallies, factor=1 / (levels - 1))
    return found


def _beyond(together: Floats, tallies: Tallies, *, factor: float | None) -> Interval:
    """The mean agreement of the items with two labels or more, beyond a chance that the labels of all items tell.

    With π how often each label is given, that is Σ π² of Fleiss, or `factor` Σ π (1 − π) of Gwet.
    """
    weights = tallies.count / tallies.of_item[tallies.item]
    of_label = sums(tallies.label, weights, tallies.levels)
    labelled = tallies.of_item > 0
    n, rest = int(labelled.sum()), max(1, int(labelled.sum()) - 1)
    squares = dot(of_label, of_label)
    own = sums(tallies.item, weights**2 - 2 * weights * of_label[tallies.label], tallies.items)[labelled]
    alike, left_alike = squares / n**2, (squares + own) / rest**2
    credit = np.zeros(tallies.items)
    credit[tallies.of_item > 1] = together
    pairable = (tallies.of_item > 1)[labelled]
    left = (together.sum() - credit[labelled]) / np.maximum(len(together) - pairable, 1)
    if factor is None:
        return beyond_chance(float(together.mean()), alike, (left, left_alike), len(together))
    return beyond_chance(float(together.mean()), factor * (1 - alike), (left, factor * (1 - left_alike)), len(together))


def _alpha_nominal(same: Floats, tallies: Tallies) -> Interval:
    """Of alpha an item weighs as many labels as it has, so agreement and chance are ratios of sums."""
    many, paired = tallies.of_item > 1, _pairable_counts(tallies)
    m = tallies.of_item[many].astype(np.float64)
    total, squares = float(paired.sum()), dot(paired, paired)
    own = sums(tallies.item, tallies.count * (tallies.count - 2 * paired[tallies.label]), tallies.items)[many]
    rest = np.maximum(total - m, 2)
    without = (same.sum() - same) / rest, (squares + own - rest) / (rest * (rest - 1))
    return beyond_chance(float(same.sum()) / total, (squares - total) / (total * (total - 1)), without, len(m))


def numeric(ratings: Ratings, tallies: Tallies) -> dict[str, Interval]:
    """The figures that need numbers; none where the labels are texts or all the same."""
    scale, many = ratings.scale, tallies.of_item > 1
    if scale.values is None or not scale.span or not many.any():
        return {}
    values = scale.values / scale.span
    m = tallies.of_item[many].astype(np.float64)
    square = _squares(tallies, values)[many]
    ranks = midranks(_pairable_counts(tallies))
    used = ranks[_pairable_counts(tallies) > 0]
    ranks /= max(1.0, float(used[-1] - used[0]))
    tables = item_tables(tallies)
    return {
        "gwet_ac2": _beyond(1 - square / (m * (m - 1)), tallies, factor=ac2_factor(scale)),
        "alpha_interval": _alpha(tallies, values, tables, values),
        "alpha_ordinal": _alpha(tallies, ranks, tables, None),
    }


def _alpha(
    tallies: Tallies, distances: Floats, tables: tuple[Floats, Floats, Ints] | None, values: Floats | None
) -> Interval:
    """Alpha by squared distances in 0..1. Its variance is the jackknife's where there are tables for it."""
    many = tallies.of_item > 1
    m = tallies.of_item[many].astype(np.float64)
    together = share(np.clip(m - _squares(tallies, distances)[many] / (m - 1), 0, m), m)
    expected = pairwise_square(_pairable_counts(tallies), distances)
    if tables is not None and together.value is not None:
        whole, without, counts = tables
        spread = variance(float(alphas(whole[None], values)[0]), alphas(without, values), counts)
        if spread is not None:
            together = spread_share(together.value, spread * expected**2, len(m))
    return through(together, 1 - expected)


def complete_table(ratings: Ratings) -> Floats | None:
    """The values of the items that every rater labelled, a row an item; None for texts and fewer than two raters."""
    decided = ratings.decided()
    raters = len(np.unique(decided.rater))
    if ratings.scale.values is None or raters < 2:
        return None
    whole = np.bincount(decided.item, minlength=ratings.items) == raters
    kept = whole[decided.item]
    return ratings.scale.values[decided.label[kept]].reshape(raters, -1).T


def _pairable_counts(tallies: Tallies) -> Floats:
    """How often each label was given to an item that has others."""
    paired = tallies.of_item[tallies.item] > 1
    return sums(tallies.label[paired], tallies.count[paired], tallies.levels)


def _squares(tallies: Tallies, values: Floats) -> Floats:
    """Each item's Σ (x − y)² over its ordered pairs of labels, by moments about the item's own mean."""
    x, n = values[tallies.label], tallies.count.astype(np.float64)
    of_item = tallies.of_item.astype(np.float64)
    mean = sums(tallies.item, n * x, tallies.items) / np.maximum(of_item, 1)
    around = sums(tallies.item, n * (x - mean[tallies.item]) ** 2, tallies.items)
    return 2 * of_item * around
