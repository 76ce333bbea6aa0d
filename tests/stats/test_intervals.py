# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportOptionalOperand=false

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from dikast.stats.intervals import (
    Interval,
    bootstrap_mean,
    bootstrap_paired,
    clopper_pearson_lower,
    clopper_pearson_upper,
    minus,
    unknown,
    wilson,
    youden,
)

shares = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 29), (81, 263), (15, 148), (90, 100), (100, 100)])
def test_wilson_is_scipys(k: int, n: int):
    expected = binomtest(k, n).proportion_ci(method="wilson")

    interval = wilson(k, n)

    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert interval.n == n


def test_wilson_gives_newcombes_published_limits():
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    interval = wilson(81, 263)

    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


@given(shares)
def test_wilson_holds_its_value_and_stays_a_share(share: tuple[int, int]):
    interval = wilson(*share)

    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_no_observations_give_no_number():
    assert wilson(0, 0) == unknown() == Interval(value=None, low=None, high=None, n=0)


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(("k", "n"), [(1, 10), (196, 200), (200, 200)])
def test_the_exact_lower_bound_is_the_beta_quantile(k: int, n: int):
    assert clopper_pearson_lower(k, n) == pytest.approx(beta.ppf(0.05, k, n - k + 1))


def test_the_exact_lower_bound_of_only_successes_is_the_rule_of_three():
    assert clopper_pearson_lower(200, 200) == pytest.approx(0.05 ** (1 / 200))


def test_the_exact_lower_bound_of_no_success_is_zero_and_of_no_trial_is_unknown():
    assert clopper_pearson_lower(0, 20) == 0.0
    assert clopper_pearson_lower(0, 0) is None


@pytest.mark.parametrize(("k", "n"), [(0, 120), (3, 120), (119, 120)])
def test_the_exact_upper_bound_is_the_beta_quantile(k: int, n: int):
    assert clopper_pearson_upper(k, n) == pytest.approx(beta.ppf(0.95, k + 1, n - k))


def test_no_success_in_500_is_at_most_six_in_a_thousand():
    assert clopper_pearson_upper(0, 500) == pytest.approx(0.006, abs=5e-5)
    assert clopper_pearson_upper(500, 500) == 1.0
    assert clopper_pearson_upper(0, 0) is None


def test_youdens_interval_is_newcombes_for_a_difference_of_proportions():
    # Newcombe 1998, Statistics in Medicine 17:873, table II, contrast 56/70 - 48/80, method 10.
    first, second = wilson(56, 70), wilson(32, 80)

    interval = youden(first, second)

    assert interval.value == pytest.approx(0.2)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0524, 0.3339)
    assert interval.n == 150


@given(shares, shares)
def test_youdens_interval_holds_its_value(yes: tuple[int, int], no: tuple[int, int]):
    interval = youden(wilson(*yes), wilson(*no))

    assert -1 <= interval.low <= interval.value <= interval.high <= 1


def test_the_difference_of_two_shares_has_newcombes_interval():
    # Newcombe (1998), method 10, example (a): 56/70 less 48/80.
    found = minus(wilson(56, 70), wilson(48, 80))

    assert (found.value, found.low, found.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )
    assert found.n == 150


def test_a_difference_has_no_bounds_where_one_side_has_none():
    point = Interval(value=0.5, low=None, high=None, n=1)

    assert minus(wilson(1, 2), point) == Interval(value=0.0, low=None, high=None, n=3)
    assert minus(point, unknown()) == unknown(1)


def test_youden_is_unknown_without_one_of_the_classes():
    assert youden(wilson(5, 6), unknown()) == unknown(6)


def test_a_bootstrapped_mean_comes_near_the_normal_interval():
    draw = random.Random(3)
    values = [draw.gauss(1, 2) for _ in range(400)]

    interval = bootstrap_mean(values, seed=1)

    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.12)
    assert interval.n == 400


def test_values_of_one_cluster_count_as_one_observation_for_the_width():
    draw = random.Random(3)
    values = [draw.gauss(0, 1) for _ in range(60)]

    alone = bootstrap_mean(values, seed=1)
    copied = bootstrap_mean(
        [value for value in values for _ in range(9)], [i for i in range(60) for _ in range(9)], seed=1
    )

    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))


def test_one_cluster_gives_a_value_without_bounds():
    assert bootstrap_mean([0.2, 0.4], ["a", "a"]) == Interval(value=pytest.approx(0.3), low=None, high=None, n=2)


def test_a_bootstrap_is_repeatable_by_its_seed():
    values = [0.1, 0.9, 0.4, 0.3, 0.8]

    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_a_bootstrapped_mean_holds_its_value(values: list[float]):
    interval = bootstrap_mean(values, seed=0, resamples=200)

    assert interval.low is None or interval.low <= interval.value <= interval.high


def test_pairing_by_document_removes_what_documents_have_in_common():
    draw = random.Random(0)
    hard = {f"d{i}": draw.random() for i in range(80)}
    after = {name: [level + 0.1 + draw.gauss(0, 0.02)] for name, level in hard.items()}
    before = {name: [level + draw.gauss(0, 0.02)] for name, level in hard.items()}

    interval, p = bootstrap_paired(after, before, seed=1)

    assert interval.value == pytest.approx(0.1, abs=0.01)
    assert 0.08 < interval.low < interval.high < 0.12
    assert p == pytest.approx(2 / 10_001)
    assert interval.n == 80


def test_documents_that_one_arm_lacks_are_left_out():
    interval, _ = bootstrap_paired({"a": [1.0], "b": [0.5], "c": [9.0]}, {"a": [0.0], "b": [0.5], "c": []}, seed=1)

    assert (interval.value, interval.n) == (0.5, 2)


def test_a_document_counts_once_however_many_samples_it_has():
    interval, _ = bootstrap_paired({"a": [1.0] * 9, "b": [0.0]}, {"a": [0.0], "b": [0.0]}, seed=1)

    assert interval.value == 0.5


def test_equal_arms_differ_by_nothing():
    arm = {f"d{i}": [i / 10] for i in range(10)}

    interval, p = bootstrap_paired(arm, arm)

    assert (interval.value, interval.low, interval.high, p) == (0.0, 0.0, 0.0, 1.0)


def test_arms_without_a_common_document_cannot_be_compared():
    assert bootstrap_paired({"a": [1.0]}, {"b": [1.0]}) == (unknown(), None)


def test_the_paired_interval_covers_the_truth_at_about_its_rate():
    draw = random.Random(11)
    inside = 0
    for _ in range(300):
        first = {f"d{i}": [float(draw.random() < 0.7)] for i in range(60)}
        second = {f"d{i}": [float(draw.random() < 0.5)] for i in range(60)}
        interval, _ = bootstrap_paired(first, second, seed=2, resamples=400)
        inside += interval.low <= 0.2 <= interval.high

    assert 0.90 <= inside / 300 <= 0.98
