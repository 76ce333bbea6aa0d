# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from dikast.stats.intervals import clopper_pearson_upper, unknown, wilson
from dikast.stats.shares import by_fisher, by_t, share, share_at_most, through


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_zeros_and_ones_have_wilsons_interval(values: list[bool]):
    ours, wanted = share(np.array(values, float)), wilson(sum(values), len(values))

    assert (ours.value, ours.n) == (pytest.approx(wanted.value), wanted.n)
    assert (ours.low, ours.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=50))
def test_a_share_of_units_of_any_size_stays_one_and_holds_its_value(rows: list[tuple[float, int]]):
    part, size = np.array(rows).T
    found = share(part * size, size)

    if size.sum() == 0:
        assert found == unknown(len(rows))
    else:
        assert found.value == pytest.approx((part * size).sum() / size.sum())
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_twenty_verdicts_on_one_item_are_not_twenty_observations():
    once, twenty = np.array([0.0, 1.0] * 30), np.full(60, 20.0)

    whole = share(once * 20, twenty)

    assert (whole.low, whole.high, whole.n) == (pytest.approx(share(once).low), pytest.approx(share(once).high), 60)


def test_values_that_vary_little_have_a_narrow_interval():
    nearly = share(np.array([0.9, 0.95] * 50))
    assert nearly.high - nearly.low < 0.02


def test_perfect_agreement_keeps_an_honest_lower_bound():
    assert share(np.ones(20)).low == pytest.approx(wilson(20, 20).low)
    assert through(share(np.ones(20)), 0.5).low < 0.8
    assert through(share(np.ones(20)), 1.0) == unknown(20)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_a_mean_has_students_interval(values: list[float]):
    found = by_t(np.array(values))

    assert found.low <= found.value <= found.high
    if np.std(values) > 1e-3:
        wanted = ttest_1samp(values, 0).confidence_interval(0.95)
        assert (found.low, found.high) == (pytest.approx(wanted.low, abs=1e-3), pytest.approx(wanted.high, abs=1e-3))


def test_a_correlation_of_one_or_of_three_items_has_no_bounds():
    assert by_fisher(1.0, 100, variance=0.01).low is None
    assert by_fisher(0.5, 3, variance=0.0).low is None
    assert by_fisher(None, 3, variance=0.1) == unknown(3)
    inside = by_fisher(0.5, 100, variance=1 / 97)
    assert (inside.low, inside.high) == (pytest.approx(0.3366, abs=1e-3), pytest.approx(0.6341, abs=1e-3))


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_the_bound_of_zeros_and_ones_is_clopper_and_pearsons(values: list[bool]):
    found = share_at_most(np.array(values, float), np.ones(len(values)))

    assert found == pytest.approx(clopper_pearson_upper(sum(values), len(values)))


def test_the_bound_counts_units_where_answers_of_one_unit_go_together():
    together = share_at_most(np.array([3.0, 3.0] + [0.0] * 18), np.full(20, 3.0))
    apart = share_at_most(np.array([1.0] * 6 + [0.0] * 14), np.full(20, 3.0))

    assert together == pytest.approx(clopper_pearson_upper(2, 20))
    # Never more than the sixty answers that there are.
    assert clopper_pearson_upper(6, 60) == pytest.approx(apart)


def test_the_bound_of_nothing_is_not_known_and_of_everything_is_one():
    assert share_at_most(np.array([]), np.array([])) is None
    assert share_at_most(np.array([2.0, 2.0]), np.array([2.0, 2.0])) == 1.0
