"""A preference judge is graded by its worse side, and by what place does to it."""

import pytest

from dikast.certify.bounds import Green, Levels
from dikast.certify.duels.levels import grade_preference
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import unknown, wilson

STEADY = wilson(0, 120)


def table(tpr: float, tnr: float, n: int = 200) -> Confusion:
    return Confusion(tp=tpr * n, fn=n - tpr * n, tn=tnr * n, fp=n - tnr * n)


def test_it_is_green_where_both_sides_and_both_orders_are_right():
    assert grade_preference(table(0.95, 0.95), STEADY, position=wilson(180, 200))[:2] == ("green", 1.0)


def test_what_is_read_from_log_probabilities_needs_no_repetition_and_anything_else_does():
    good, consistent = table(0.95, 0.95), wilson(190, 200)

    unmeasured = grade_preference(good, unknown(), position=consistent)

    assert grade_preference(good, None, position=consistent).level == "green"
    assert (unmeasured.level, unmeasured.factor) == ("amber", good.j.low)
    assert unmeasured.why == "nobody asked it the same again; certify with --repeats 2 or more"


def test_under_nine_in_ten_pairs_with_one_winner_it_is_amber_at_most():
    good = table(0.95, 0.95)

    grade = grade_preference(good, STEADY, position=wilson(178, 200))

    assert (grade.level, grade.factor) == ("amber", good.j.low)
    assert grade.why == "the same side wins in both orders in 0.89 of the pairs, under 0.90"
    assert grade_preference(good, STEADY, position=unknown()).level == "amber"
    lower = Levels(green=Green(position=0.85))
    assert grade_preference(good, STEADY, position=wilson(178, 200), levels=lower).level == "green"


@pytest.mark.parametrize(("tpr", "tnr"), [(0.75, 0.97), (0.97, 0.75)])
def test_which_side_is_called_a_does_not_matter(tpr, tnr):
    assert grade_preference(table(tpr, tnr), STEADY, position=wilson(190, 200)).level == "red"


def test_repetitions_that_change_the_winner_forbid_it():
    assert grade_preference(table(0.95, 0.95), wilson(40, 200), position=wilson(190, 200)).level == "red"


def test_one_side_that_is_always_the_better_one_says_how_to_mend_it():
    grade = grade_preference(Confusion(tp=100), STEADY, position=wilson(100, 100))

    assert (grade.level, grade.factor) == ("insufficient", 0.0)
    assert grade.why == (
        "a yes is that a is better: 100 yes and 0 no; needs 30 of each, or write half of the pairs the other way round"
    )
