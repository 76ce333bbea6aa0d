# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import numpy as np
import pytest

from dikast.stats.intervals import bootstrap_mean
from dikast.stats.resampling import MAX_KINDS, bootstrap_counts


def mean(counts: np.ndarray) -> np.ndarray:
    return counts @ np.arange(counts.shape[1]) / counts.sum(axis=1)


def test_drawing_counts_is_drawing_the_units_themselves():
    counts = np.array([40, 30, 20, 10])

    ours = bootstrap_counts(counts, mean, resamples=10_000)

    wanted = bootstrap_mean(np.repeat(np.arange(4.0), counts).tolist())
    assert ours.value == pytest.approx(wanted.value)
    assert (ours.low, ours.high) == (pytest.approx(wanted.low, abs=0.02), pytest.approx(wanted.high, abs=0.02))
    assert ours.n == 100


def test_one_kind_of_unit_cannot_vary_and_has_no_bounds():
    assert bootstrap_counts(np.array([50]), mean).low is None


def test_too_many_kinds_have_a_value_without_bounds():
    found = bootstrap_counts(np.ones(MAX_KINDS + 1, dtype=np.int64), mean)

    assert (found.value, found.low) == (pytest.approx(MAX_KINDS / 2), None)


def test_a_figure_that_most_resamples_do_not_have_has_no_bounds():
    found = bootstrap_counts(np.array([1, 99]), lambda counts: np.where(counts[:, 0] == 1, 1.0, np.nan))

    assert (found.value, found.low) == (1.0, None)
    assert bootstrap_counts(np.array([0, 0]), mean).value is None


def test_the_same_seed_gives_the_same_bounds():
    counts = np.array([7, 9, 4])

    assert bootstrap_counts(counts, mean, seed=3) == bootstrap_counts(counts, mean, seed=3)
    assert bootstrap_counts(counts, mean, seed=3) != bootstrap_counts(counts, mean, seed=4)
