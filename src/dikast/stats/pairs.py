"""What two raters' verdicts on the same items say about each other.

All figures come from counts of labels and of differences, so that a million items cost little more than a hundred.
Nominal figures need labels only. The others need numbers, and weigh a disagreement by how far the labels' values
lie apart: linear by |x − y|, quadratic by (x − y)². Sources: Cohen (1960, 1968); Gwet (2008, 2014) for AC1 and AC2;
Scott (1955), which is Fleiss' kappa of two; Krippendorff (2011) for alpha; Shrout & Fleiss (1979) for ICC(2,1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import msgspec
import numpy as np

from dikast.stats.correlation import icc_2_1, pearson, spearman, tau_b
from dikast.stats.crossed import Crossed, crossed
from dikast.stats.influence import of_pearson, of_spearman, of_tau_b
from dikast.stats.intervals import Interval, unknown, wilson, within
from dikast.stats.jackknife import alphas, kappas, pair_tables, variance
from dikast.stats.ratings import ABSENT, NULL, Floats, Ints, Ratings, Scale, dot
from dikast.stats.shares import beyond_chance, by_fisher, by_t, share, spread_share, through


class Alpha(msgspec.Struct, frozen=True, kw_only=True):
    """Krippendorff's alpha by how labels differ; ordinal and interval only where they are numbers."""

    nominal: float | None = None
    ordinal: float | None = None
    interval: float | None = None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two raters' figures over the items that both gave a label; the bounds of each are in `intervals`."""

    a: str
    b: str
    n: int
    null: int
    """Items that both have a row for and at least one of them no label: in no figure here."""
    agreement: float | None
    cohen_kappa: float | None
    kappa_linear: float | None
    kappa_quadratic: float | None
    gwet_ac1: float | None
    gwet_ac2: float | None
    """Quadratic weights."""
    fleiss_kappa: float | None
    krippendorff_alpha: Alpha
    icc_2_1: float | None
    kendall_tau_b: float | None
    spearman: float | None
    pearson: float | None
    bias: float | None
    """The mean of a's label minus b's."""
    intervals: dict[str, Interval]


class Meeting(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Two raters' codes on the items that both have a row for."""

    a: Ints
    b: Ints

    @property
    def decided(self) -> Meeting:
        """The items on which both gave a label."""
        both = (self.a >= 0) & (self.b >= 0)
        return Meeting(a=self.a[both], b=self.b[both])


def meeting(ratings: Ratings, spread: Ints, other: int) -> Meeting:
    """Sets one rater's labels, spread over all items, beside those of another rater."""
    items, labels = ratings.by(other)
    beside = spread[items]
    shared = beside != ABSENT
    return Meeting(a=beside[shared], b=labels[shared])


def compare(ratings: Ratings, a: int, b: int, met: Meeting | None = None) -> Pair:
    """The figures of two raters."""
    met = meeting(ratings, ratings.spread(a), b) if met is None else met
    decided, scale = met.decided, ratings.scale
    both, values = crossed(decided.a, decided.b, scale)
    found = nominal(both, len(scale.labels))
    if values is not None and both.n:
        found |= numeric(both, values, scale)

    def value(name: str) -> float | None:
        return found[name].value if name in found else None

    return Pair(
        a=ratings.raters[a],
        b=ratings.raters[b],
        n=len(decided.a),
        null=int(((met.a == NULL) | (met.b == NULL)).sum()),
        agreement=value("agreement"),
        cohen_kappa=value("cohen_kappa"),
        kappa_linear=value("kappa_linear"),
        kappa_quadratic=value("kappa_quadratic"),
        gwet_ac1=value("gwet_ac1"),
        gwet_ac2=value("gwet_ac2"),
        fleiss_kappa=value("fleiss_kappa"),
        krippendorff_alpha=Alpha(
            nominal=value("alpha_nominal"), ordinal=value("alpha_ordinal"), interval=value("alpha_interval")
        ),
        icc_2_1=value("icc_2_1"),
        kendall_tau_b=value("kendall_tau_b"),
        spearman=value("spearman"),
        pearson=value("pearson"),
        bias=value("bias"),
        intervals=found,
    )


def nominal(met: Crossed, choices: int) -> dict[str, Interval]:
    """The figures that need to know only whether two labels are the same.

    AC1's chance depends on how many labels there are to choose from: those of the criterion, whoever used them.
    """
    if not met.n:
        return {"agreement": unknown()}
    raw = wilson(int(met.same.sum()), met.n)
    squares = Squares.of(met)
    credit = met.same.astype(np.float64)
    found = {
        "agreement": raw,
        "cohen_kappa": within(through(raw, dot(met.of_a, met.of_b) / met.n**2), -1),
        "fleiss_kappa": _beyond(credit, squares, lambda squares, labels: squares / labels**2),
        "alpha_nominal": _beyond(credit, squares, _unlike),
    }
    if choices > 1:
        found["gwet_ac1"] = _beyond(credit, squares, _gwets(1 / (choices - 1)))
    return found


class Squares(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The squared counts of both sides' labels, summed: what the chance that two labels are the same follows from."""

    whole: Floats
    without: Floats
    """The same with each item left out."""

    @classmethod
    def of(cls, met: Crossed) -> Squares:
        counts = met.of_a + met.of_b
        whole: Floats = np.asarray(dot(counts, counts))
        return cls(whole=whole, without=whole - 2 * (counts[met.a] + counts[met.b]) + np.where(met.same, 4, 2))


def _unlike(squares: Floats, labels: Floats | float) -> Floats:
    """Alpha's chance that two labels are the same, drawn without putting the first back."""
    return (squares - labels) / (labels * (labels - 1))


def _gwets(factor: float) -> Callable[[Floats, float], Floats]:
    """The chance of AC1 or AC2: `factor` Σ π (1 − π), π being how often each label is given."""
    return lambda squares, labels: factor * (1 - squares / labels**2)


def _beyond(together: Floats, squares: Squares, chance: Callable[[Floats, float], Floats]) -> Interval:
    """The mean agreement beyond a chance that follows from the squared counts of the labels and from their number."""
    n = len(together)
    rest = max(1, n - 1)
    without = (together.sum() - together) / rest, chance(squares.without, 2.0 * rest)
    return beyond_chance(float(together.mean()), float(chance(squares.whole, 2.0 * n)), without, n)


def numeric(met: Crossed, values: Floats, scale: Scale) -> dict[str, Interval]:
    """The figures that need numbers, from what the codes are worth; `scale` holds all labels to choose from."""
    x, y = values[met.a], values[met.b]
    return {
        **weighted(met, values, scale),
        **correlations(met, x, y),
        "icc_2_1": icc_2_1(np.stack([x, y]).T),
        "bias": by_t(x - y),
    }


def correlations(met: Crossed, x: Floats, y: Floats) -> dict[str, Interval]:
    """Tau-b, Spearman's and Pearson's, with intervals on Fisher's scale from the spread between the items."""
    n, table = met.n, met.table()
    tau, rho, r = tau_b(met, table), spearman(met), pearson(x, y)

    def bounded(figure: float | None, spread: Callable[[float], float | None], usual: float) -> Interval:
        """`usual` is the variance on Fisher's scale, times n, where the spread cannot be had."""
        if figure is None or abs(figure) >= 1 - 1e-12 or n < 4:
            return by_fisher(figure, n, variance=0.0)
        found = spread(figure)
        return by_fisher(figure, n, variance=(usual if found is None else found / (1 - figure**2) ** 2) / (n - 3))

    return {
        "kendall_tau_b": bounded(tau, lambda tau: None if table is None else of_tau_b(table, tau), 0.437),
        "spearman": bounded(rho, lambda rho: of_spearman(met, rho), 1.0),
        "pearson": bounded(r, lambda r: of_pearson(x, y, r), 1.0),
    }


def weighted(met: Crossed, values: Floats, scale: Scale) -> dict[str, Interval]:
    """Agreement beyond chance where a disagreement weighs as much as its distance; unknown where there is none to have."""
    if not scale.span:
        return {}
    values = values / scale.span
    x, y = values[met.a], values[met.b]
    square = (x - y) ** 2
    pooled = met.of_a + met.of_b
    # The ranks among both sides' labels, but for what is added to all.
    ranks = met.n * (met.below_a + met.below_b)
    # Distances among ranks have no bound of their own; the greatest among those present makes them shares.
    ranks /= max(1.0, float(ranks[pooled > 0][-1] - ranks[pooled > 0][0]))
    by_square = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    by_step = distance(met.of_a / met.n, met.of_b / met.n, values)
    by_rank = (ranks[met.a] - ranks[met.b]) ** 2
    spreads = _spreads(met, values)
    return {
        "kappa_linear": within(beyond(np.abs(x - y), by_step, spreads.get("kappa_linear")), -1),
        "kappa_quadratic": within(beyond(square, by_square, spreads.get("kappa_quadratic")), -1),
        "gwet_ac2": _beyond(1 - square, Squares.of(met), _gwets(ac2_factor(scale))),
        "alpha_interval": beyond(square, pairwise_square(pooled, values), spreads.get("alpha_interval")),
        "alpha_ordinal": beyond(by_rank, pairwise_square(pooled, ranks), spreads.get("alpha_ordinal")),
    }


def _spreads(met: Crossed, values: Floats) -> dict[str, float | None]:
    """The variances of the figures whose chance varies with the items, by the jackknife; empty for too many labels."""
    tables = pair_tables(met.a, met.b, len(values))
    if tables is None:
        return {}
    whole, without, counts = tables
    steps = np.abs(values[:, None] - values[None, :])

    def of(figure: Callable[[Floats], Floats]) -> float | None:
        return variance(float(figure(whole[None])[0]), figure(without), counts)

    return {
        "kappa_linear": of(lambda tables: kappas(tables, steps)),
        "kappa_quadratic": of(lambda tables: kappas(tables, steps**2)),
        "alpha_interval": of(lambda tables: alphas(tables + tables.swapaxes(-1, -2), values)),
        "alpha_ordinal": of(lambda tables: alphas(tables + tables.swapaxes(-1, -2), None)),
    }


def beyond(apart: Floats, expected: float, spread: float | None) -> Interval:
    """1 − observed / expected disagreement, each disagreement in 0..1.

    `spread` is the variance of that figure; where it is not known the expected disagreement is held at its estimate.
    """
    together = share(np.clip(1 - apart, 0, 1))
    if expected <= 1e-12 or together.value is None:
        return unknown(len(apart))
    if spread is not None:
        together = spread_share(together.value, spread * expected**2, len(apart))
    return through(together, 1 - expected)


def distance(shares_a: Floats, shares_b: Floats, values: Floats) -> float:
    """The mean of |x − y| where x and y are drawn apart from each other, from how often each side uses each value."""
    under_a, under_b = np.cumsum(shares_a)[:-1], np.cumsum(shares_b)[:-1]
    return float((np.diff(values) * (under_a * (1 - under_b) + under_b * (1 - under_a))).sum())


def pairwise_square(counts: Floats, values: Floats) -> float:
    """The mean of (x − y)² over pairs of different observations, from how often each value occurs."""
    n = float(counts.sum())
    mean = dot(counts, values) / n
    return 2 * dot(counts, (values - mean) ** 2) / (n - 1)


@lru_cache(maxsize=1)
def ac2_factor(scale: Scale) -> float:
    """What Σ π (1 − π) times is the chance of AC2 with quadratic weights: the sum of all weights over q (q − 1).

    Every pair asks for it, and a scale may hold a million labels.
    """
    if scale.values is None or not scale.span:
        return 0.0
    q, values = len(scale.labels), scale.values / scale.span
    weights = q**2 - 2 * q * float(((values - values.mean()) ** 2).sum())
    return weights / (q * (q - 1))
