"""How far values go with outcomes: SciPy's and scikit-learn's figures, and intervals that hold the truth."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from dikast.stats.association import association, rank_correlation
from dikast.stats.intervals import Interval

rows = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.integers(0, 5)), min_size=4, max_size=40)


@given(rows)
def test_the_figures_are_scipys_and_scikit_learns(given_rows: list[tuple[float, int]]):
    values, outcomes = [value for value, _ in given_rows], [float(outcome) for _, outcome in given_rows]
    good = [outcome >= 3 for outcome in outcomes]

    found = association(values, outcomes, good)

    if len(set(values)) > 1 and len(set(outcomes)) > 1:
        assert found.spearman.value == pytest.approx(spearmanr(values, outcomes).statistic)
    else:
        assert found.spearman.value is None
    if any(good) and not all(good):
        assert found.auc.value == pytest.approx(roc_auc_score(good, values))
    else:
        assert found.auc.value is None


def test_nothing_goes_with_nothing():
    found = association([], [], [])

    assert (found.spearman.value, found.auc.value, found.spearman.n, found.auc.n) == (None, None, 0, 0)


@pytest.mark.parametrize("n", [60, 300])
def test_the_rank_correlations_interval_covers_the_truth_at_its_rate(n: int):
    dice = random.Random(n)

    def drawn(count: int) -> tuple[list[float], list[float]]:
        values = [dice.random() for _ in range(count)]
        return values, [float(dice.random() < 0.2 + 0.6 * value) for value in values]

    truth = spearmanr(*drawn(200_000)).statistic
    covered = 0
    for _ in range(400):
        values, outcomes = drawn(n)
        interval = association(values, outcomes, [outcome > 0.5 for outcome in outcomes]).spearman
        covered += (interval.low or 0.0) <= truth <= (interval.high or 0.0)

    # Three standard errors of a share of 400 around .95, and what a small sample may lack.
    assert 0.91 <= covered / 400 <= 0.983


def test_what_is_there_twice_is_no_more_evidence_where_both_are_one_cluster():
    dice = random.Random(1)
    x = [dice.random() for _ in range(60)]
    y = [value + dice.random() for value in x]
    twice = np.repeat(np.arange(60), 2)

    once = rank_correlation(x, y)
    clustered = rank_correlation([x[at] for at in twice], [y[at] for at in twice], twice)
    apart = rank_correlation([x[at] for at in twice], [y[at] for at in twice])

    assert clustered.value == pytest.approx(once.value)
    assert (clustered.low, clustered.high) == (pytest.approx(once.low, abs=1e-3), pytest.approx(once.high, abs=1e-3))
    assert width_of(apart) < 0.75 * width_of(once)


def test_clusters_of_one_are_no_clusters():
    x, y = [0.1, 0.5, 0.4, 0.9, 0.3, 0.2], [1.0, 3.0, 2.0, 2.5, 0.0, 0.5]

    found = rank_correlation(x, y, np.arange(6))

    alone = rank_correlation(x, y)
    assert (found.value, found.n) == (alone.value, alone.n)
    assert (found.low, found.high) == (pytest.approx(alone.low), pytest.approx(alone.high))


def width_of(shown: Interval) -> float:
    return (shown.high or 0.0) - (shown.low or 0.0)
