"""The level of a preference judge: the rules for criteria, a yes being that side a is the better one, and one more.

It is graded by the worse of its two sides: which of them is called a says nothing. With the same winner in both orders
in under .90 of the pairs it is at most amber, which is judgement like the other limits; so it is where its answers may
change from one time to the next and nobody asked again.
"""

from __future__ import annotations

from dikast.certify.bounds import Levels
from dikast.certify.certificate import Level
from dikast.certify.levels import OURS, Grade, beside_bound, grade
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval

_WORST_FIRST: tuple[Level, ...] = ("insufficient", "red", "amber", "green")
_NO_FLIPS = Interval(value=0.0, low=0.0, high=0.0, n=0)


def grade_preference(
    table: Confusion,
    flips: Interval | None,
    *,
    position: Interval,
    human_kappa: Interval | None = None,
    levels: Levels = OURS,
) -> Grade:
    """Grades by the rules above; `table` counts for a, `position` is the share of pairs with one winner in both orders.

    Flips are None for what is read from log-probabilities and comes out the same again.
    """
    again = flips if flips is not None and flips.value is not None else _NO_FLIPS
    sides = [
        grade(table, again, negative=negative, human_kappa=human_kappa, levels=levels) for negative in (False, True)
    ]
    worse = min(sides, key=lambda side: _WORST_FIRST.index(side.level))
    if worse.level == "insufficient":
        a, b = table.tp + table.fn, table.tn + table.fp
        hint = ", or write half of the pairs the other way round" if 2 * min(a, b) < max(a, b) else ""
        return worse._replace(why=f"a yes is that a is better: {worse.why}{hint}")
    if worse.level == "green" and (short := _short_of_green(flips, position, levels.green.position)):
        return Grade("amber", table.j.low or 0.0, short)
    return worse


def _short_of_green(flips: Interval | None, position: Interval, needed: float) -> str:
    if position.value is None or position.value < needed:
        share = "an unknown share" if position.value is None else beside_bound(position.value, needed)
        return f"the same side wins in both orders in {share} of the pairs, under {needed:.2f}"
    if flips is not None and flips.value is None:
        return "nobody asked it the same again; certify with --repeats 2 or more"
    return ""
