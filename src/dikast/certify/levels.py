"""From figures to a level and a factor, and from the tuning part to a reading. Every rule stands here.

A criterion is, on the untouched part,

    insufficient   with under 30 yes or under 30 no: factor 0
    red            where J's lower bound is under .40, or false credit is above .20, or flips above .15: factor 0
    green          where TPR and TNR are at least .90 with lower bounds of at least .80, flips are at
                   most .05, and kappa is at least .60 or 90 % of the annotators' own: factor 1
    amber          where J is at least .60 with a lower bound of at least .40, and credit is right
                   in at least .85 of the cases: the factor is J's lower bound
    red            everything else

Lower bounds are those of two-sided 95 % intervals. Credit is what earns reward: a yes, or the no of a
negative criterion; false credit is the share of those that deserve none. How often credit is right is said at
the sample's base rate, or at the one that the user states. A judge whose consistency was not measured is at most
amber. These bounds are those of `Levels()`, judgement that can be set: a policy exploits false credit, while missed
credit only slows it down.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from dikast.certify.bounds import Amber, Green, Levels
from dikast.certify.certificate import MIDDLE, ChosenReading, Level
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval

OURS = Levels()
SOFT_COSTS_AT_MOST = 0.02
"""J that the best threshold may gain over the middle before the reading becomes hard."""


class Grade(NamedTuple):
    """A level, the factor that goes with it, and what decided."""

    level: Level
    factor: float
    why: str


def grade(
    table: Confusion,
    flips: Interval,
    *,
    negative: bool = False,
    human_kappa: Interval | None = None,
    levels: Levels = OURS,
    base_rate: float | None = None,
) -> Grade:
    """Grades one criterion by the rules above; `table` and `base_rate` speak of yeses, also of a negative criterion."""
    credit = table.swapped() if negative else table
    yes, no = round(table.tp + table.fn), round(table.tn + table.fp)
    j = credit.j
    if min(yes, no) < levels.least_per_class or j.value is None or j.low is None:
        return Grade("insufficient", 0.0, f"{yes} yes and {no} no; needs {levels.least_per_class} of each")
    if reason := _red(credit, j.low, flips, levels):
        return Grade("red", 0.0, reason)
    short = _short_of_green(table, flips, human_kappa, levels.green)
    if not short:
        return Grade("green", 1.0, "reaches every bound")
    if reason := _short_of_amber(credit, j.value, _of_credit(base_rate, negative=negative), levels.amber):
        return Grade("red", 0.0, reason)
    return Grade("amber", j.low, short)


def _red(credit: Confusion, j_low: float, flips: Interval, levels: Levels) -> str | None:
    """What forbids a criterion outright, if anything does."""
    if j_low < levels.amber.j_low:
        return f"J may be as low as {beside_bound(j_low, levels.amber.j_low)}, under {levels.amber.j_low:.2f}"
    false_credit = credit.fp / (credit.fp + credit.tn)
    if false_credit > (most := levels.red.false_credit):
        return f"gives credit to {beside_bound(false_credit, most)} of what deserves none, above {most:.2f}"
    if flips.value is not None and flips.value > levels.red.flips:
        return f"changes {beside_bound(flips.value, levels.red.flips)} of its answers, above {levels.red.flips:.2f}"
    return None


def _short_of_green(table: Confusion, flips: Interval, human_kappa: Interval | None, green: Green) -> str:
    """The first bound of green that is not reached; empty where all are."""
    for name, rate in (("TPR", table.tpr), ("TNR", table.tnr)):
        if (rate.value or 0.0) < green.rate or (rate.low or 0.0) < green.rate_low:
            value, low = beside_bound(rate.value or 0.0, green.rate), beside_bound(rate.low or 0.0, green.rate_low)
            return f"{name} {value} (from {low}) is short of {green.rate:.2f} (from {green.rate_low:.2f})"
    if flips.value is None:
        return "its consistency was not measured; give the criterion paraphrases"
    if flips.value > green.flips:
        return f"changes {beside_bound(flips.value, green.flips)} of its answers, above {green.flips:.2f}"
    needed = green.kappa
    if human_kappa is not None and human_kappa.value is not None:
        needed = min(needed, green.share_of_human_kappa * human_kappa.value)
    kappa = table.kappa.value
    return "" if kappa is not None and kappa >= needed else f"kappa is under {needed:.2f}"


def _short_of_amber(credit: Confusion, j: float, base_rate: float | None, amber: Amber) -> str | None:
    """The first bound of amber that is not reached, beside the lower bound of J."""
    if j < amber.j:
        return f"J {beside_bound(j, amber.j)} is under {amber.j:.2f}"
    precision = credit.precision if base_rate is None else credit.precision_at(base_rate)
    if (right := precision.value or 0.0) < amber.precision:
        where = "" if base_rate is None else f" where {base_rate:.2f} deserve it"
        return f"credit is right in {beside_bound(right, amber.precision)} of the cases{where}, under {amber.precision:.2f}"
    return None


def beside_bound(value: float, bound: float) -> str:
    """Writes a figure beside the bound that it misses, with as many digits as it takes to see that it does."""
    digits = 2
    while digits < 6 and value != bound and f"{value:.{digits}f}" == f"{bound:.{digits}f}":
        digits += 1
    return f"{value:.{digits}f}"


def _of_credit(base_rate: float | None, *, negative: bool) -> float | None:
    """The share that deserves credit, of a share that is a yes."""
    return 1 - base_rate if negative and base_rate is not None else base_rate


def whole_level(criteria: Sequence[tuple[Level, float]], *, weight: float = OURS.weight) -> Level:
    """The level of the judge, from the level and the weight of each criterion.

    Green where all are. Red where the criteria that still count carry under half (`weight`) of it all, or insufficient where
    they would carry it if more labels showed that the insufficient ones are good. Else amber.
    """
    total = sum(share for _, share in criteria)
    counting = sum(share for level, share in criteria if level in ("green", "amber"))
    open_still = sum(share for level, share in criteria if level == "insufficient")
    if criteria and all(level == "green" for level, _ in criteria):
        return "green"
    if counting > 0 and counting >= weight * total:
        return "amber"
    return "insufficient" if open_still > 0 and counting + open_still >= weight * total else "red"


def choose_reading(values: Sequence[float], labels: Sequence[bool]) -> ChosenReading:
    """Chooses the reading on the tuning part: soft where cutting P(yes) at 0.5 loses next to nothing.

    The best threshold is the one of highest J among the middles between neighbouring values; of equals
    the one nearest to 0.5. Where it gains more than 0.02 of J over 0.5, the probabilities are off
    centre, and taken as they are they would reward by that error: the reading is hard at that threshold.
    Without both classes nothing speaks for another threshold, and the reading is soft.
    """
    yes = sorted(value for value, label in zip(values, labels, strict=True) if label)
    no = sorted(value for value, label in zip(values, labels, strict=True) if not label)
    if not yes or not no:
        return ChosenReading(soft=True)

    def j_at(threshold: float) -> float:
        return bisect_left(no, threshold) / len(no) - bisect_left(yes, threshold) / len(yes)

    candidates = [MIDDLE, *((low + high) / 2 for low, high in pairwise(sorted({*yes, *no})))]
    best = max(candidates, key=lambda threshold: (round(j_at(threshold), 9), -abs(threshold - MIDDLE)))
    if j_at(best) - j_at(MIDDLE) <= SOFT_COSTS_AT_MOST:
        return ChosenReading(soft=True)
    return ChosenReading(threshold=best)
