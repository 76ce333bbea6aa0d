"""The unbiased estimate of best of k."""

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.evaluate.bestof import expected_best

samples = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@given(samples)
def test_with_as_many_samples_as_k_it_is_their_best(values):
    assert expected_best(values, values, len(values)) == pytest.approx(max(values))


@given(samples)
def test_best_of_one_is_the_mean(values):
    assert expected_best(values, values, 1) == pytest.approx(fmean(values))


@given(samples, st.integers(1, 7))
def test_it_is_the_mean_over_all_choices_of_k(values, k):
    found = expected_best(values, values, k)

    if k > len(values):
        assert found is None
    else:
        assert found == pytest.approx(fmean(max(chosen) for chosen in combinations(values, k)))


def test_one_measure_picks_and_another_counts():
    assert expected_best([0.1, 0.9, 0.5], [1.0, 0.0, 0.4], 3) == 0.0


def test_samples_of_equal_rank_share_what_falls_to_them():
    assert expected_best([0.9, 0.9, 0.1], [1.0, 0.0, 0.7], 3) == pytest.approx(0.5)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), min_size=2, max_size=6))
def test_the_order_of_the_samples_says_nothing(pairs):
    ranks, worth = zip(*pairs, strict=True)

    forwards = expected_best(ranks, worth, 2)
    backwards = expected_best(ranks[::-1], worth[::-1], 2)

    assert forwards == pytest.approx(backwards)


def test_best_of_nothing_is_refused():
    with pytest.raises(ValueError, match="best of 0"):
        expected_best([0.5], [0.5], 0)
