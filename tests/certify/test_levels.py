# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalOperand=false

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.certify.certificate import ChosenReading
from dikast.certify.levels import choose_reading, grade, whole_level
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import unknown, wilson

STEADY = wilson(0, 100)


def table(tpr: float, tnr: float, yes: int = 100, no: int = 100) -> Confusion:
    return Confusion(tp=tpr * yes, fn=yes - tpr * yes, tn=tnr * no, fp=no - tnr * no)


@pytest.mark.parametrize(
    ("counts", "flips", "level"),
    [
        (table(0.95, 0.95), STEADY, "green"),
        (table(0.90, 0.90), STEADY, "green"),
        (table(0.89, 0.95), STEADY, "amber"),
        (table(0.95, 0.95), wilson(6, 100), "amber"),
        (table(0.95, 0.95), wilson(16, 100), "red"),
        (table(0.95, 0.95), unknown(), "amber"),
        (table(0.90, 0.90, 40, 40), STEADY, "amber"),
        (table(0.80, 0.90), STEADY, "amber"),
        (table(1.00, 0.78), STEADY, "red"),
        (table(0.60, 0.80), STEADY, "red"),
        (table(0.64, 0.95), STEADY, "red"),
        (table(0.80, 0.85, 200, 200), STEADY, "red"),
        (table(1, 1, 29, 100), STEADY, "insufficient"),
        (table(1, 1, 100, 29), STEADY, "insufficient"),
        (table(0, 0, 29, 29), STEADY, "insufficient"),
    ],
)
def test_a_criterion_falls_where_the_rules_say(counts: Confusion, flips, level: str):
    assert grade(counts, flips).level == level


def test_factors_are_one_js_lower_bound_and_nothing():
    amber = table(0.80, 0.95)

    assert grade(table(0.95, 0.95), STEADY).factor == 1.0
    assert grade(amber, STEADY).factor == amber.j.low
    assert grade(table(0.5, 0.5), STEADY).factor == 0.0
    assert grade(Confusion(), STEADY).factor == 0.0


def test_a_kappa_near_the_annotators_own_is_enough_for_green():
    # One answer is rare: TPR and TNR are high while kappa is low.
    rare = table(0.95, 0.92, 35, 1000)

    assert rare.kappa.value < 0.6
    assert grade(rare, STEADY).level != "green"
    assert grade(rare, STEADY, human_kappa=wilson(45, 100)).level == "green"


def test_the_reason_names_the_bound_that_was_missed():
    assert grade(table(0.99, 0.75), STEADY).why == "gives credit to 0.25 of what deserves none, above 0.20"
    assert grade(table(0.5, 0.5), STEADY).why.startswith("J may be as low as")
    assert "paraphrases" in grade(table(1, 1), unknown()).why


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.booleans())
def test_only_green_and_amber_count_and_never_by_more_than_one(tp, fp, tn, fn, negative):
    level, factor, why = grade(Confusion(tp=tp, fp=fp, tn=tn, fn=fn), STEADY, negative=negative)

    assert (factor > 0) == (level in ("green", "amber"))
    assert factor <= 1
    assert why


@pytest.mark.parametrize(
    ("criteria", "whole"),
    [
        ([("green", 1), ("green", 3)], "green"),
        ([("green", 1), ("amber", 1)], "amber"),
        ([("green", 1), ("amber", 1), ("red", 2)], "amber"),
        ([("green", 1), ("amber", 1), ("red", 2.1)], "red"),
        ([("green", 3), ("red", 1), ("insufficient", 1)], "amber"),
        ([("green", 1), ("insufficient", 1.1)], "insufficient"),
        ([("green", 1), ("red", 2), ("insufficient", 1)], "insufficient"),
        ([("green", 1), ("red", 2.1), ("insufficient", 1)], "red"),
        ([("red", 1), ("red", 1)], "red"),
        ([("insufficient", 1), ("insufficient", 1)], "insufficient"),
        ([], "red"),
    ],
)
def test_the_whole_goes_by_the_weight_of_what_still_counts(criteria, whole):
    assert whole_level(criteria) == whole


def test_a_reading_stays_soft_where_the_middle_does_as_well_as_any_threshold():
    assert choose_reading([0.9, 0.8, 0.2, 0.1], [True, True, False, False]) == ChosenReading(soft=True)


def test_a_reading_is_hard_where_the_middle_loses():
    reading = choose_reading([0.40, 0.30, 0.20, 0.10], [True, True, False, False])

    assert reading == ChosenReading(threshold=0.25)


def test_a_gain_of_two_hundredths_does_not_make_a_reading_hard():
    # Of 100 yes one lies under the middle: a lower threshold would gain 0.01.
    values = [0.9] * 99 + [0.45] + [0.1] * 100

    assert choose_reading(values, [True] * 100 + [False] * 100) == ChosenReading(soft=True)


def test_without_both_classes_a_reading_is_soft():
    assert choose_reading([0.1, 0.2], [True, True]) == ChosenReading(soft=True)
    assert choose_reading([], []) == ChosenReading(soft=True)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40))
def test_the_chosen_threshold_is_the_best_there_is(pairs):
    values, labels = [v / 20 for v, _ in pairs], [y for _, y in pairs]

    def j(cut: float) -> float:
        counts = Confusion.of([v >= cut for v in values], labels).j.value
        return 0.0 if counts is None else counts

    reading = choose_reading(values, labels)

    best = max(j(cut) for cut in [0.5, *values] if cut == 0.5 or cut > min(values))
    assert j(reading.cut) >= best - 0.02 - 1e-9
