# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dikast.stats.correlation import icc_2_1, midranks, pearson, tau_b
from dikast.stats.crossed import Crossed

# Shrout & Fleiss (1979), table 2: six targets rated by four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_icc_is_that_of_shrout_and_fleiss():
    found = icc_2_1(SHROUT_FLEISS)

    assert found.value == pytest.approx(0.29, abs=0.005)
    assert (found.low, found.high) == (pytest.approx(0.019, abs=0.005), pytest.approx(0.761, abs=0.005))
    assert found.n == 6


def test_icc_of_two_targets_by_hand():
    # Rows 1,2 and 3,6: BMS 9, JMS 4, EMS 1; (9 - 1) / (9 + 1 + 2 (4 - 1) / 2).
    assert icc_2_1(np.array([[1.0, 2.0], [3.0, 6.0]])).value == pytest.approx(8 / 13)


def test_icc_counts_a_raters_shift_against_it_and_a_correlation_does_not():
    targets = np.arange(10.0)
    shifted = np.stack([targets, targets + 5], axis=1)

    assert pearson(shifted[:, 0], shifted[:, 1]) == pytest.approx(1)
    assert icc_2_1(shifted).value == pytest.approx(0.4231, abs=1e-4)


@pytest.mark.parametrize("table", [np.ones((5, 3)), np.ones((1, 3)), np.ones((5, 1)), np.ones((0, 3))])
def test_icc_is_unknown_where_nothing_varies(table: np.ndarray):
    assert icc_2_1(table).value is None


@given(st.lists(st.tuples(*[st.integers(1, 5)] * 3), min_size=2, max_size=20))
def test_icc_holds_its_value_and_is_at_most_one(rows: list[tuple[int, int, int]]):
    found = icc_2_1(np.array(rows, float))

    assert found.value is None or found.value <= 1 + 1e-12
    assert found.low is None or found.low <= found.value <= found.high


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=65, max_size=90))
def test_tau_from_a_table_and_tau_by_sorting_are_one(rows: list[tuple[int, int]]):
    a, b = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    assume(len(set(a.tolist())) > 1 and len(set(b.tolist())) > 1)

    met = Crossed.of(a, b, 6)

    assert tau_b(met, met.table()) == pytest.approx(tau_b(met, None), abs=1e-9)


def test_tau_of_two_items_that_are_among_very_many_labels():
    met = Crossed.of(np.array([7, 3]), np.array([1, 900]), 1000)

    assert tau_b(met, met.table()) == -1


def test_icc_of_raters_who_disagree_as_much_as_can_be_has_no_bounds():
    found = icc_2_1(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [2.0, 1.0]]))

    assert (found.value, found.low) == (pytest.approx(-2), None)


def test_ties_share_their_rank():
    assert midranks(np.array([2.0, 1.0, 3.0])).tolist() == [1.5, 3.0, 5.0]


def test_a_constant_correlates_with_nothing():
    assert pearson(np.full(5, 0.1), np.arange(5.0)) is None
    assert tau_b(Crossed.of(np.zeros(5, dtype=np.int64), np.arange(5), 5), None) is None
