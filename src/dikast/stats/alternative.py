"""The alternative annotator test: may a judge stand in for one of the people?

After Calderon, Reichart & Dror (2025, arXiv 2501.10970). Each person is left out in turn; judge and person are both
scored against the other people's labels, item by item. The judge wins against that person where a one-sided t-test
shows that the person is the better one in fewer than ε more of the items than the judge is (the null hypothesis is
that it is at least ε). ε is what a person costs more: 0.2 for experts, 0.15 for skilled annotators, 0.1 for crowds.
The tests are corrected together by Benjamini and Yekutieli, who allow for dependence, at a false discovery rate of
0.05. The winning rate is the share of people that the judge wins against, and it passes from 0.5 on. The advantage
probability, the mean share of items on which the judge is as good or better, is for comparing judges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from dikast.stats.intervals import Interval
from dikast.stats.ratings import ABSENT, NULL, Floats, Ints, Marks, Ratings, Tallies, sums
from dikast.stats.shares import share

EPSILON = 0.2
FALSE_DISCOVERIES = 0.05
MIN_ITEMS = 30
"""Of one person, for the t-test to hold."""
PASSES_AT = 0.5

Score = Literal["same", "distance"]


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """A judge against one person."""

    advantage: Interval
    """Share of items on which the judge is as good as the person, or better; n counts items."""
    p: float
    p_adjusted: float
    wins: bool


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """What the test says of one judge."""

    score: Score
    """`same`: how many of the others gave this label; `distance`: root mean square distance from the others' labels."""
    epsilon: float
    false_discovery_rate: float
    winning_rate: float | None
    """None where no person shares enough items with the judge and somebody else."""
    advantage: float | None
    passes: bool | None
    humans: dict[str, Against]
    skipped: dict[str, int]
    """People left out, with how many items they share with the judge and another person: fewer than the t-test needs."""


def alternative(
    ratings: Ratings, humans: Sequence[int], judge: int, *, epsilon: float = EPSILON, drop_null: bool = False
) -> Alternative:
    """Runs the test for one judge. Its verdicts without a label lose to everybody, unless they are dropped."""
    people = ratings.among(humans).decided()
    tallies = Tallies.of(people)
    given = ratings.spread(judge)
    numbers = ratings.scale.values is not None and not ratings.scale.binary
    tested: dict[str, tuple[Floats, Interval]] = {}
    skipped: dict[str, int] = {}
    for one in humans:
        items, labels = people.by(one)
        shared = (given[items] != ABSENT) & (tallies.of_item[items] > 1)
        if drop_null:
            shared &= given[items] != NULL
        items, labels = items[shared], labels[shared]
        name = ratings.raters[one]
        if len(items) < MIN_ITEMS:
            skipped[name] = len(items)
            continue
        judged, person = (_by_distance if numbers else _by_same)(ratings, tallies, items, labels, given[items])
        tested[name] = (person.astype(np.float64) - judged, share(judged.astype(np.float64)))
    ps = [_p(lead, epsilon) for lead, _ in tested.values()]
    adjusted = _adjusted(ps)
    against = {
        name: Against(advantage=advantage, p=p, p_adjusted=held, wins=held <= FALSE_DISCOVERIES)
        for (name, (_, advantage)), p, held in zip(tested.items(), ps, adjusted, strict=True)
    }
    rate = sum(one.wins for one in against.values()) / len(against) if against else None
    advantages = [one.advantage.value or 0.0 for one in against.values()]
    return Alternative(
        score="distance" if numbers else "same",
        epsilon=epsilon,
        false_discovery_rate=FALSE_DISCOVERIES,
        winning_rate=rate,
        advantage=math.fsum(advantages) / len(advantages) if advantages else None,
        passes=None if rate is None else rate >= PASSES_AT,
        humans=against,
        skipped=skipped,
    )


def _by_same(ratings: Ratings, tallies: Tallies, items: Ints, labels: Ints, judged: Ints) -> tuple[Marks, Marks]:
    """Where the judge, and where the person, has at least as many of the others on its side."""
    person = tallies.count_of(items, labels) - 1
    judge = tallies.count_of(items, judged) - (judged == labels)
    null = judged == NULL
    return (judge >= person) & ~null, (person >= judge) | null


def _by_distance(ratings: Ratings, tallies: Tallies, items: Ints, labels: Ints, judged: Ints) -> tuple[Marks, Marks]:
    """Where the judge, and where the person, is at least as near to the others; by moments, without what rounding adds."""
    scale = ratings.scale
    values = (scale.values if scale.values is not None else np.zeros(0)) / (scale.span or 1)
    values = values - values[0]
    x, n = values[tallies.label], tallies.count.astype(np.float64)
    own = values[labels]
    first = sums(tallies.item, n * x, tallies.items)[items] - own
    others = tallies.of_item[items] - 1
    theirs = others * own**2 - 2 * own * first
    guess = values[np.maximum(judged, 0)]
    gap = others * guess**2 - 2 * guess * first - theirs
    null, slack = judged == NULL, 1e-9 * others
    return (gap <= slack) & ~null, (gap >= -slack) | null


def _p(lead: Floats, epsilon: float) -> float:
    """One-sided p of Student's test that the mean is below ε."""
    from scipy.special import stdtr  # pyright: ignore[reportMissingTypeStubs]  scipy has no types

    n = len(lead)
    spread = float(lead.std(ddof=1))
    if spread == 0:
        # Every item says the same: there is no doubt on which side of ε that lies.
        return 0.0 if float(lead[0]) < epsilon else 1.0
    return float(stdtr(n - 1, (float(lead.mean()) - epsilon) / (spread / math.sqrt(n))))


def _adjusted(ps: Sequence[float]) -> list[float]:
    from scipy.stats import false_discovery_control  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    if not ps:
        return []
    adjusted: Floats = np.asarray(false_discovery_control(ps, method="by"), dtype=np.float64)
    return [float(p) for p in adjusted]
