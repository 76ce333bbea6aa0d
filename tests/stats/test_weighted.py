# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOptionalOperand=false

import numpy as np
import pytest
from scipy.stats import binomtest

from dikast.stats.intervals import unknown, wilson
from dikast.stats.weighted import Term, weighted_sum


def grouped(values, size: int = 1) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for at, value in enumerate(values):
        groups.setdefault(f"g{at // size}", []).append(float(value))
    return groups


def test_the_value_is_the_weighted_sum_of_the_means():
    terms = [Term(0.75, grouped([1, 1, 0, 1])), Term(0.25, grouped([0, 1]))]

    found = weighted_sum(terms, offset=-0.5)

    assert found.value == pytest.approx(0.75 * 0.75 + 0.25 * 0.5 - 0.5)
    assert found.n == 6


def test_values_that_are_all_alike_have_the_width_of_wilsons_interval_for_all_of_n():
    found = weighted_sum([Term(1.0, grouped([1] * 60))])

    # Student's quantile at 59 degrees of freedom in place of the normal one.
    assert found.value - found.low == pytest.approx((1 - wilson(60, 60).low) * 2.001 / 1.96, rel=1e-3)


def test_copies_inside_a_group_are_not_taken_for_more_groups():
    once = weighted_sum([Term(1.0, grouped([1, 0, 1, 0, 1, 1, 0, 1] * 5))])
    copied = weighted_sum([Term(1.0, grouped(np.repeat([1, 0, 1, 0, 1, 1, 0, 1] * 5, 4), size=4))])

    assert copied.low == pytest.approx(once.low)


def test_criteria_that_err_on_the_same_candidates_are_no_more_certain_than_one():
    draw = np.random.default_rng(1)
    values = draw.integers(0, 2, 80)

    one = weighted_sum([Term(1.0, grouped(values))])
    alike = weighted_sum([Term(0.5, grouped(values)), Term(0.5, grouped(values))])
    apart = weighted_sum([Term(0.5, grouped(values)), Term(0.5, grouped(draw.permutation(values)))])

    assert alike.high == pytest.approx(one.high)
    assert apart.high < one.high


def test_a_mean_of_nothing_and_a_sum_of_nothing_are_not_known():
    assert weighted_sum([]) == unknown()
    assert weighted_sum([Term(1.0, grouped([1, 0])), Term(1.0, {})]) == unknown(2)


def test_one_group_tells_no_spread():
    found = weighted_sum([Term(1.0, {"g": [1.0, 0.0]})])

    assert (found.value, found.low, found.high) == (0.5, None, None)


@pytest.mark.parametrize(
    ("size", "lost", "won", "criteria"), [(60, 0.10, 0.10, 1), (100, 0.15, 0.02, 1), (40, 0.2, 0.1, 3)]
)
def test_the_interval_of_a_paired_difference_covers_the_truth_at_its_rate(size, lost, won, criteria):
    draw = np.random.default_rng(3)
    truth = 2 * (lost - won)
    runs = 400

    inside = 0
    for _ in range(runs):
        differences = draw.choice([1.0, -1.0, 0.0], p=[lost, won, 1 - lost - won], size=(criteria, 2, size))
        terms = [Term(1 / criteria, grouped(of_class, 2)) for both in differences for of_class in both]
        interval = weighted_sum(terms)
        inside += interval.low <= truth <= interval.high

    assert binomtest(inside, runs, 0.95).pvalue > 0.001


def test_a_judge_that_is_worse_by_the_margin_is_called_not_worse_in_a_fortieth_of_the_cases_at_most():
    draw = np.random.default_rng(5)
    runs = 1000

    passed = 0
    for _ in range(runs):
        differences = draw.choice([1.0, -1.0, 0.0], p=[0.045, 0.02, 0.935], size=(2, 150))
        found = weighted_sum([Term(1.0, grouped(of_class)) for of_class in differences])
        passed += found.high <= 0.05

    assert binomtest(passed, runs, 0.025, alternative="greater").pvalue > 0.001
