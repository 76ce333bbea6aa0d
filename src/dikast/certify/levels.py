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
negative criterion; false credit is the share of those that deserve none. A judge whose consistency
was not measured is at most amber. The defaults are judgement: a policy exploits false credit, while
missed credit only slows it down.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from dikast.certify.certificate import MIDDLE, ChosenReading, Level
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval

LEAST_PER_CLASS = 30
RED_J_LOW = 0.40
RED_FALSE_CREDIT = 0.20
RED_FLIPS = 0.15
GREEN_RATE = 0.90
GREEN_RATE_LOW = 0.80
GREEN_FLIPS = 0.05
GREEN_KAPPA = 0.60
GREEN_SHARE_OF_HUMAN_KAPPA = 0.90
AMBER_J = 0.60
AMBER_PRECISION = 0.85
HALF = 0.5
"""Share of the weight that must be carried by criteria that count, or the judge as a whole is not good enough."""
SOFT_COSTS_AT_MOST = 0.02
"""J that the best threshold may gain over the middle before the reading becomes hard."""


class Grade(NamedTuple):
    """A level, the factor that goes with it, and what decided."""

    level: Level
    factor: float
    why: str


def grade(table: Confusion, flips: Interval, *, negative: bool = False, human_kappa: Interval | None = None) -> Grade:
    """Grades one criterion by the rules above; `table` counts yeses, also of a negative criterion."""
    credit = table.swapped() if negative else table
    yes, no = round(table.tp + table.fn), round(table.tn + table.fp)
    j = credit.j
    if min(yes, no) < LEAST_PER_CLASS or j.value is None or j.low is None:
        return Grade("insufficient", 0.0, f"{yes} yes and {no} no; needs {LEAST_PER_CLASS} of each")
    if reason := _red(credit, j.low, flips):
        return Grade("red", 0.0, reason)
    short = _short_of_green(table, flips, human_kappa)
    if not short:
        return Grade("green", 1.0, "reaches every bound")
    if j.value < AMBER_J:
        return Grade("red", 0.0, f"J {j.value:.2f} is under {AMBER_J:.2f}")
    if (precision := credit.precision.value or 0.0) < AMBER_PRECISION:
        return Grade("red", 0.0, f"credit is right in {precision:.2f} of the cases, under {AMBER_PRECISION:.2f}")
    return Grade("amber", j.low, short)


def _red(credit: Confusion, j_low: float, flips: Interval) -> str | None:
    """What forbids a criterion outright, if anything does."""
    if j_low < RED_J_LOW:
        return f"J may be as low as {j_low:.2f}, under {RED_J_LOW:.2f}"
    false_credit = credit.fp / (credit.fp + credit.tn)
    if false_credit > RED_FALSE_CREDIT:
        return f"gives credit to {false_credit:.2f} of what deserves none, above {RED_FALSE_CREDIT:.2f}"
    if flips.value is not None and flips.value > RED_FLIPS:
        return f"changes {flips.value:.2f} of its answers, above {RED_FLIPS:.2f}"
    return None


def _short_of_green(table: Confusion, flips: Interval, human_kappa: Interval | None) -> str:
    """The first bound of green that is not reached; empty where all are."""
    for name, rate in (("TPR", table.tpr), ("TNR", table.tnr)):
        if (rate.value or 0.0) < GREEN_RATE or (rate.low or 0.0) < GREEN_RATE_LOW:
            return f"{name} {rate.value:.2f} (from {rate.low:.2f}) is short of {GREEN_RATE:.2f} (from {GREEN_RATE_LOW:.2f})"
    if flips.value is None:
        return "its consistency was not measured; give the criterion paraphrases"
    if flips.value > GREEN_FLIPS:
        return f"changes {flips.value:.2f} of its answers, above {GREEN_FLIPS:.2f}"
    needed = GREEN_KAPPA
    if human_kappa is not None and human_kappa.value is not None:
        needed = min(needed, GREEN_SHARE_OF_HUMAN_KAPPA * human_kappa.value)
    kappa = table.kappa.value
    return "" if kappa is not None and kappa >= needed else f"kappa is under {needed:.2f}"


def whole_level(criteria: Sequence[tuple[Level, float]]) -> Level:
    """The level of the judge, from the level and the weight of each criterion.

    Green where all are. Red where the criteria that still count carry under half of the weight, or insufficient where
    they would carry it if more labels showed that the insufficient ones are good. Else amber.
    """
    total = sum(weight for _, weight in criteria)
    counting = sum(weight for level, weight in criteria if level in ("green", "amber"))
    open_still = sum(weight for level, weight in criteria if level == "insufficient")
    if criteria and all(level == "green" for level, _ in criteria):
        return "green"
    if counting > 0 and counting >= HALF * total:
        return "amber"
    return "insufficient" if open_still > 0 and counting + open_still >= HALF * total else "red"


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
