"""Agreement of a judge with people on yes/no questions: counts in, figures with intervals out.

`Confusion` holds the counts of one criterion and knows every figure that follows from them. AUC and
within-group accuracy need the values themselves.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from dikast.stats.intervals import (
    CONFIDENCE,
    Interval,
    holding,
    ratio_bounds,
    unknown,
    wilson,
    within,
    youden,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often a judge said yes and no where people said yes and no.

    Counts are floats, so that the pairs of several annotators can share one item.
    """

    tp: float = 0
    fp: float = 0
    tn: float = 0
    fn: float = 0

    @classmethod
    def of(cls, said: Sequence[bool], truth: Sequence[bool]) -> Confusion:
        """Counts what was said against the truth."""
        pairs = list(zip(said, truth, strict=True))
        return cls(
            tp=pairs.count((True, True)),
            fp=pairs.count((True, False)),
            tn=pairs.count((False, False)),
            fn=pairs.count((False, True)),
        )

    def swapped(self) -> Confusion:
        """The same counts, asked for no instead of yes."""
        return Confusion(tp=self.tn, fp=self.fn, tn=self.tp, fn=self.fp)

    def plus(self, other: Confusion, *, share: float = 1) -> Confusion:
        """Adds the other's counts, each times `share`."""
        return Confusion(
            tp=self.tp + share * other.tp,
            fp=self.fp + share * other.fp,
            tn=self.tn + share * other.tn,
            fn=self.fn + share * other.fn,
        )

    @property
    def n(self) -> float:
        return self.tp + self.fp + self.tn + self.fn

    @property
    def tpr(self) -> Interval:
        return wilson(self.tp, self.tp + self.fn)

    @property
    def tnr(self) -> Interval:
        return wilson(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> Interval:
        """Share of the judge's yeses that are right, at the base rate of these counts."""
        return wilson(self.tp, self.tp + self.fp)

    @property
    def j(self) -> Interval:
        return youden(self.tpr, self.tnr)

    @property
    def agreement(self) -> Interval:
        return wilson(self.tp + self.tn, self.n)

    @property
    def base_rate(self) -> float | None:
        """Share of yes among the people's answers."""
        return (self.tp + self.fn) / self.n if self.n else None

    def precision_at(self, base_rate: float) -> Interval:
        """Precision where a share `base_rate`, above 0 and below 1, deserves a yes: from TPR and TNR alone.

        Its bounds are those of the false positive rate's ratio to TPR (`ratio_bounds`), carried through.
        """
        wrong, right = wilson(self.fp, self.fp + self.tn), self.tpr
        bounds = ratio_bounds(wrong, right)
        if bounds is None or not (wrong.value or right.value):
            return unknown(round(self.n))
        least, value, most = (
            base_rate / (base_rate + ratio * (1 - base_rate)) if ratio < math.inf else 0.0 for ratio in bounds
        )
        return holding(value, most, least, round(self.n))

    @property
    def kappa(self) -> Interval:
        """Cohen's kappa; unknown where both sides always gave one and the same answer."""
        if not self.n:
            return unknown()
        judge, people = (self.tp + self.fp) / self.n, (self.tp + self.fn) / self.n
        return self._beyond_chance(judge * people + (1 - judge) * (1 - people))

    @property
    def ac1(self) -> Interval:
        """Gwet's AC1: agreement beyond a chance that does not explode when one answer is rare.

        Its chance varies with the units that it is estimated from. Where that makes the interval wider than with the
        chance held, it counts: with nine yes in ten, held alone it holds the truth in 93 % of the cases in place of 95.
        """
        if not self.n:
            return unknown()
        from dikast.stats.shares import spread_share, through

        right, yes = (self.tp + self.tn) / self.n, (2 * self.tp + self.fp + self.fn) / (2 * self.n)
        chance = 2 * yes * (1 - yes)

        def pull(same: float, share: float) -> float:
            """What one unit adds to agreement less its part in the chance, both sides' share of yes being `share`."""
            return same - right - (1 - right) / (1 - chance) * 2 * (1 - 2 * yes) * (share - yes)

        spread = self.tp * pull(1, 1) ** 2 + self.tn * pull(1, 0) ** 2 + (self.fp + self.fn) * pull(0, 0.5) ** 2
        variance = max(right * (1 - right) / self.n, spread / self.n**2)
        return through(spread_share(right, variance, round(self.n)), chance)

    def _beyond_chance(self, chance: float) -> Interval:
        """(agreement - chance) / (1 - chance), the Wilson bounds of agreement carried through.

        The chance is held at its estimate, as in Cohen's own standard error. At 60 to 240 items this
        stays nearer to 95 % than the bootstrap and the full asymptotic variance, which shrink to
        nothing when the sides agree (see the coverage test).
        """
        raw = self.agreement
        if chance >= 1 or raw.value is None or raw.low is None or raw.high is None:
            return unknown(round(self.n))
        value, low, high = ((share - chance) / (1 - chance) for share in (raw.value, raw.low, raw.high))
        return within(holding(value, low, high, round(self.n)), -1)


def auc(values: Sequence[float], labels: Sequence[bool]) -> Interval:
    """Chance that a yes has a higher value than a no, ties half; DeLong's interval on the logit scale.

    Where all pairs are ordered alike DeLong's variance is 0. The bounds then are those of as many
    pairs as can be made without using a value twice, which are independent. n counts values.
    """
    yes = [value for value, label in zip(values, labels, strict=True) if label]
    no = [value for value, label in zip(values, labels, strict=True) if not label]
    n = len(values)
    if not yes or not no:
        return unknown(n)
    area, variance = _delong(yes, no)
    if not 0 < area < 1 or variance == 0:
        pairs = min(len(yes), len(no))
        few = wilson(area * pairs, pairs)
        return Interval(value=area, low=few.low, high=few.high, n=n)
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    logit, half = math.log(area / (1 - area)), z * math.sqrt(variance) / (area * (1 - area))
    return holding(area, _logistic(logit - half), _logistic(logit + half), n)


def within_group_accuracy(groups: Sequence[Hashable], values: Sequence[float], labels: Sequence[bool]) -> Interval:
    """Share of yes/no pairs of the same group in which the yes has the higher value, ties half.

    It is the only agreement that group-relative training sees. The interval is Wilson's with the n that the spread
    between groups stands for (`shares.share`), as many as there are groups where every pair is ordered alike, and with
    Student's quantile. n counts pairs, which are never laid out: a group of thousands costs no more than it takes to sort it.
    """
    if not values:
        return unknown()
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    from dikast.stats.shares import ratio_variance, spread_share

    above, tied, pairs = _pairs_within(groups, values, labels)
    there = pairs > 0
    won, of, met = (above + tied / 2)[there], pairs[there], int(there.sum())
    if not met:
        return unknown()
    # With few groups their spread is itself uncertain: at fifteen the normal's width holds the truth in 91 %.
    wider = (float(stdtrit(met - 1, 0.5 + CONFIDENCE / 2)) / NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)) ** 2
    variance = ratio_variance(won, of) * wider if met > 1 else 0.0
    found = spread_share(float(won.sum() / of.sum()), variance, met)
    return msgspec.structs.replace(found, n=int(of.sum()))


def _pairs_within(
    groups: Sequence[Hashable], values: Sequence[float], labels: Sequence[bool]
) -> tuple[Floats, Floats, Floats]:
    """How many yes/no pairs of each group have the yes above, how many are tied, and how many there are."""
    import numpy as np

    codes = {name: code for code, name in enumerate(dict.fromkeys(groups))}
    of_value = np.array([codes[name] for name in groups])
    distinct, level = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    # One cell for each value of each group, the groups one after another and each by value.
    cells, cell = np.unique(of_value * len(distinct) + level, return_inverse=True)
    group = cells // len(distinct)

    def added(of: NDArray[np.int64], numbers: Floats) -> Floats:
        return np.bincount(of, weights=numbers).astype(np.float64)

    said_yes = np.asarray(labels, dtype=np.float64)
    yes, no = added(cell, said_yes), added(cell, 1 - said_yes)
    no_of = added(group, no)
    below = (np.cumsum(no) - no) - (np.cumsum(no_of) - no_of)[group]
    return added(group, yes * below), added(group, yes * no), added(group, yes) * no_of


def _delong(yes: Sequence[float], no: Sequence[float]) -> tuple[float, float]:
    """The AUC and DeLong's variance of it, from mid-ranks; 0 where a class has one value, which tells no spread."""
    import numpy as np
    from scipy.stats import rankdata  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  scipy has no types

    ranks = np.asarray(rankdata([*yes, *no]), dtype=np.float64)
    beaten = (ranks[: len(yes)] - np.asarray(rankdata(yes))) / len(no)
    beaten_by = 1 - (ranks[len(yes) :] - np.asarray(rankdata(no))) / len(yes)
    area = float(beaten.mean())
    if min(len(yes), len(no)) < 2:
        return area, 0.0
    return area, float(beaten.var(ddof=1)) / len(yes) + float(beaten_by.var(ddof=1)) / len(no)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
