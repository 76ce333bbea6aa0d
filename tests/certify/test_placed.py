"""Judges on each side of each bound, through the whole certificate: each falls where the rule says."""

from typing import NamedTuple

import pytest

from dikast.certify.bounds import Amber, Levels
from dikast.certify.measure import Grading, certify

from .simulated import judge_of_table, labelled, reward_text


class Placed(NamedTuple):
    """A judge by what it gets wrong, and the level that the rule gives it."""

    level: str
    yes: int = 100
    no: int = 100
    missed: int = 0
    """Yeses that it takes for a no."""
    false: int = 0
    """Noes that it takes for a yes."""
    flips: int = 0
    """Of the 60 that are asked again in other words: those where it changes its answer."""


JUDGES = {
    "perfect": Placed("green"),
    "rate_reached": Placed("green", missed=10, false=10),
    "tpr_short": Placed("amber", missed=11),
    "tnr_short": Placed("amber", false=11),
    # 63 of 70 may be .81, 54 of 60 only .798.
    "low_reached": Placed("green", yes=70, no=70, missed=7, false=7),
    "low_short": Placed("amber", yes=60, no=60, missed=6, false=6),
    "flips_few": Placed("green", flips=3),
    "flips_some": Placed("amber", flips=4),
    "flips_many": Placed("amber", flips=9),
    "flips_too_many": Placed("red", flips=10),
    # A yes is rare, and every false one weighs on kappa, .61 and .58; amber then fails by precision.
    "kappa_reached": Placed("green", yes=50, no=600, false=54),
    "kappa_short": Placed("red", yes=50, no=600, false=60),
    "credit_false": Placed("amber", yes=200, missed=0, false=20),
    "credit_too_false": Placed("red", yes=200, missed=0, false=21),
    # 170 of 200 right, and one less.
    "precision_reached": Placed("amber", yes=190, no=300, missed=20, false=30),
    "precision_short": Placed("red", yes=190, no=300, missed=21, false=30),
    "j_reached": Placed("amber", yes=400, no=400, missed=120, false=40),
    "j_short": Placed("red", yes=400, no=400, missed=121, false=40),
    # J is .60 both times, and may be .405 or .396.
    "j_low_reached": Placed("amber", yes=48, no=160, missed=18, false=4),
    "j_low_short": Placed("red", yes=34, no=160, missed=13, false=3),
    "enough": Placed("green", yes=30, no=30),
    "too_few_yes": Placed("insufficient", yes=29),
    "too_few_no": Placed("insufficient", no=29),
    "too_few_and_bad": Placed("insufficient", yes=29, no=29, missed=29, false=29),
}
MOST = 1000
"""Answers that there are: the first of them are the yeses of every criterion."""


def p_yes(placed: Placed, number: int, *, in_other_words: bool, flipped: frozenset[int]) -> float:
    yes = number < placed.missed or placed.yes <= number < placed.yes + placed.no - placed.false
    said = not yes
    return float(said != (in_other_words and number in flipped))


async def certified(reward_of, labels_of, judges: dict[str, Placed], *, more=None, grading: Grading = Grading()):  # noqa: B008
    from dikast.certify.labels import split_labels
    from dikast.certify.questions import chosen_again, units_of

    reward = reward_of(reward_text(list(judges), more))
    rows = [
        labelled(n, {name: n < one.yes for name, one in judges.items() if n < one.yes + one.no}, group=n)
        for n in range(max(one.yes + one.no for one in judges.values()))
    ]
    rows.append(labelled(MOST, dict.fromkeys(judges, True), group=MOST, tuning=True))
    labels = labels_of(rows)
    again = chosen_again(reward, units_of(reward, labels, split_labels(labels)))
    flipped = {
        name: frozenset(sorted(int(key[1:-1]) for key in again[name])[: one.flips]) for name, one in judges.items()
    }

    def table(name: str, number: int, before: int) -> float:
        if number == MOST:
            return 1.0
        return p_yes(judges[name], number, in_other_words=before > 0, flipped=flipped[name])

    return await certify(reward, labels, judge=judge_of_table(table, logprobs=True), grading=grading)


async def test_each_judge_falls_where_the_rule_says(reward_of, labels_of):
    certificate = await certified(reward_of, labels_of, JUDGES)

    fallen = {name: one.level for name, one in certificate.criteria.items()}
    why = {name: one.why for name, one in certificate.criteria.items() if fallen[name] != JUDGES[name].level}
    assert not why
    assert fallen == {name: placed.level for name, placed in JUDGES.items()}


async def test_what_is_measured_is_what_was_placed(reward_of, labels_of):
    certificate = await certified(reward_of, labels_of, JUDGES)

    for name, placed in JUDGES.items():
        one = certificate.criteria[name]
        assert one.tpr.value == pytest.approx(1 - placed.missed / placed.yes)
        assert one.tnr.value == pytest.approx(1 - placed.false / placed.no)
        assert one.flip_rate.value == pytest.approx(placed.flips / min(60, placed.yes + placed.no))
        assert one.factor == {"green": 1.0, "amber": one.j.low}.get(placed.level, 0.0)


async def test_bounds_of_ones_own_move_where_a_judge_falls(reward_of, labels_of):
    judges = {"short": Placed("red", yes=400, no=400, missed=121, false=40)}

    ours = await certified(reward_of, labels_of, judges)
    lower = await certified(reward_of, labels_of, judges, grading=Grading(levels=Levels(amber=Amber(j=0.59))))

    assert (ours.criteria["short"].level, lower.criteria["short"].level) == ("red", "amber")


@pytest.mark.parametrize(
    ("weights", "level"),
    [
        ({"perfect": 1, "credit_too_false": 1}, "amber"),
        ({"perfect": 1, "credit_too_false": 1.1}, "red"),
        ({"perfect": 1, "too_few_yes": 1.1}, "insufficient"),
        ({"perfect": 1, "too_few_yes": 1}, "amber"),
        ({"perfect": 1, "rate_reached": 9}, "green"),
    ],
)
async def test_the_whole_goes_by_the_weight_of_what_still_counts(reward_of, labels_of, weights, level):
    judges = {name: JUDGES[name] for name in weights}
    more = {name: f", weight: {weight}" for name, weight in weights.items()}

    certificate = await certified(reward_of, labels_of, judges, more=more)

    assert certificate.level == level
