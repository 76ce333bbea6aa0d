# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false, reportArgumentType=false

import math
import random
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ratings import NULL_VERDICT, ratings_of
from scipy.stats import kendalltau, pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score

from dikast.stats.pairs import Alpha, compare
from dikast.stats.ratings import Ratings, Scale

LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)
pairs = st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), min_size=3, max_size=50)
FIGURES = (
    "agreement",
    "cohen_kappa",
    "kappa_linear",
    "kappa_quadratic",
    "gwet_ac1",
    "gwet_ac2",
    "fleiss_kappa",
    "icc_2_1",
    "kendall_tau_b",
    "spearman",
    "pearson",
    "bias",
)
NOMINAL = ("agreement", "cohen_kappa", "gwet_ac1", "fleiss_kappa")


def pair_of(rows: list[tuple[float, float]], labels: tuple[float, ...] | None = LEVELS):
    return compare(ratings_of(rows, labels), 0, 1)


@given(pairs)
def test_cohens_kappas_are_scikit_learns(rows: list[tuple[float, float]]):
    a, b = zip(*rows, strict=True)
    assume(len({*a, *b}) > 1)
    found = pair_of(rows)

    for ours, weights in (
        (found.cohen_kappa, None),
        (found.kappa_linear, "linear"),
        (found.kappa_quadratic, "quadratic"),
    ):
        assert ours == pytest.approx(cohen_kappa_score(a, b, labels=LEVELS, weights=weights), abs=1e-9)


@given(pairs)
def test_correlations_are_scipys(rows: list[tuple[float, float]]):
    a, b = zip(*rows, strict=True)
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    found = pair_of(rows)

    assert found.kendall_tau_b == pytest.approx(kendalltau(a, b).statistic, abs=1e-9)
    assert found.spearman == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)
    assert found.pearson == pytest.approx(pearsonr(a, b).statistic, abs=1e-9)


def test_correlations_of_values_that_hardly_repeat_are_scipys():
    draw = random.Random(3)
    rows = [(x, x + draw.gauss(0, 1)) for x in (draw.gauss(0, 1) for _ in range(300))]
    a, b = zip(*rows, strict=True)

    found = pair_of(rows, None)

    assert found.kendall_tau_b == pytest.approx(kendalltau(a, b).statistic)
    assert found.spearman == pytest.approx(spearmanr(a, b).statistic)
    assert found.pearson == pytest.approx(pearsonr(a, b).statistic)
    assert found.kappa_quadratic == pytest.approx(
        2 * np.cov(a, b, bias=True)[0, 1] / (np.var(a) + np.var(b) + (np.mean(a) - np.mean(b)) ** 2)
    )


@given(pairs)
def test_ac1_and_ac2_are_those_of_the_full_table_of_weights(rows: list[tuple[float, float]]):
    found = pair_of(rows)
    table = np.zeros((5, 5))
    for a, b in rows:
        table[int(a) - 1, int(b) - 1] += 1 / len(rows)
    shares = (table.sum(axis=0) + table.sum(axis=1)) / 2
    steps = np.subtract.outer(np.arange(5), np.arange(5))

    for ours, weights in ((found.gwet_ac1, np.eye(5)), (found.gwet_ac2, 1 - steps**2 / 16)):
        chance = weights.sum() / 20 * (shares * (1 - shares)).sum()
        assert ours == pytest.approx(((weights * table).sum() - chance) / (1 - chance), abs=1e-9)


def test_ac1_stays_where_kappa_collapses_with_prevalence():
    # Gwet's example of 125 subjects, 118 of whom both raters call positive and none negative.
    rows = [(1.0, 1.0)] * 118 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 2

    found = pair_of(rows, (0.0, 1.0))

    assert found.agreement == pytest.approx(0.944)
    assert found.cohen_kappa == pytest.approx(-0.0234, abs=1e-4)
    assert found.gwet_ac1 == pytest.approx(0.9408, abs=1e-4)


@given(st.lists(st.sampled_from(LEVELS), min_size=5, max_size=40))
def test_a_copy_agrees_perfectly(column: list[float]):
    assume(len(set(column)) > 1)

    found = pair_of([(x, x) for x in column])

    for name in FIGURES[:-1]:
        assert getattr(found, name) == pytest.approx(1), name
    assert found.krippendorff_alpha == Alpha(nominal=1.0, ordinal=1.0, interval=1.0)
    assert found.bias == 0
    assert found.intervals["kappa_quadratic"].low < 1


@given(pairs, st.randoms())
def test_the_order_of_the_items_changes_nothing(rows: list[tuple[float, float]], draw: random.Random):
    shuffled = draw.sample(rows, len(rows))

    for name in FIGURES:
        one, other = getattr(pair_of(rows), name), getattr(pair_of(shuffled), name)
        assert one == other or one == pytest.approx(other, abs=1e-9), name


@given(pairs)
def test_swapping_the_raters_turns_the_bias_only(rows: list[tuple[float, float]]):
    swapped = [(b, a) for a, b in rows]

    for name in FIGURES:
        sign = -1 if name == "bias" else 1
        one, other = getattr(pair_of(rows), name), getattr(pair_of(swapped), name)
        assert (one is None and other is None) or one == pytest.approx(sign * other, abs=1e-9), name


@given(pairs, st.permutations(LEVELS))
def test_other_names_for_the_labels_change_no_nominal_figure(rows: list[tuple[float, float]], names: list[float]):
    named = dict(zip(LEVELS, names, strict=True))
    renamed = [(named[a], named[b]) for a, b in rows]

    for name in NOMINAL:
        one, other = getattr(pair_of(rows), name), getattr(pair_of(renamed), name)
        assert (one is None and other is None) or one == pytest.approx(other, abs=1e-9), name
    assert (pair_of(rows).krippendorff_alpha.nominal or 0) == pytest.approx(
        pair_of(renamed).krippendorff_alpha.nominal or 0
    )


@given(pairs)
def test_every_interval_holds_its_value(rows: list[tuple[float, float]]):
    for name, interval in pair_of(rows).intervals.items():
        assert interval.low is None or interval.low <= interval.value <= interval.high, name
        assert interval.value is None or math.isfinite(interval.value), name


@given(pairs, st.floats(0.5, 100), st.floats(-50, 50))
def test_another_unit_of_the_scale_changes_the_bias_only(rows: list[tuple[float, float]], times: float, plus: float):
    levels = tuple(x * times + plus for x in LEVELS)
    there = dict(zip(LEVELS, levels, strict=True))
    moved = pair_of([(there[a], there[b]) for a, b in rows], levels)

    for name in FIGURES[:-1]:
        one, other = getattr(pair_of(rows), name), getattr(moved, name)
        assert (one is None and other is None) or one == pytest.approx(other, abs=1e-6), name
    assert moved.bias == pytest.approx(pair_of(rows).bias * times, abs=1e-6)


@given(pairs)
def test_labels_that_only_others_gave_change_ac1_and_ac2_alone(rows: list[tuple[float, float]]):
    many = (*LEVELS, *(5 + at / 1000 for at in range(1, 1000)))
    few, found = pair_of(rows, (*LEVELS, many[-1])), pair_of(rows, many)

    for name in {*FIGURES} - {"gwet_ac1", "gwet_ac2"}:
        one, other = getattr(few, name), getattr(found, name)
        assert (one is None and other is None) or one == pytest.approx(other, abs=1e-9), name
    shares = np.array([sum(row.count(level) for row in rows) for level in LEVELS]) / (2 * len(rows))
    chance = (shares * (1 - shares)).sum() / (len(many) - 1)
    assert found.gwet_ac1 == pytest.approx((found.agreement - chance) / (1 - chance), abs=1e-9)


def test_texts_have_no_figure_that_needs_an_order():
    ratings = ratings_of([(1.0, 1.0), (2.0, 1.0), (2.0, 2.0)])
    texts = Ratings.of(
        Scale(labels=("no", "yes"), values=None), ratings.raters, 3, ratings.item, ratings.rater, ratings.label
    )

    found = compare(texts, 0, 1)

    assert found.agreement == pytest.approx(2 / 3)
    for name in (
        "kappa_linear",
        "kappa_quadratic",
        "gwet_ac2",
        "icc_2_1",
        "kendall_tau_b",
        "spearman",
        "pearson",
        "bias",
    ):
        assert getattr(found, name) is None
    assert found.krippendorff_alpha.ordinal is None


def test_a_verdict_without_a_label_is_in_no_figure_and_is_counted():
    table = [(1.0, 1.0), (1.0, NULL_VERDICT), (2.0, 2.0), (NULL_VERDICT, NULL_VERDICT), (1.0, None), (1.0, 2.0)]

    found = compare(ratings_of(table), 0, 1)

    assert (found.n, found.null) == (3, 2)
    assert found.agreement == pytest.approx(2 / 3)


def test_raters_without_a_shared_label_have_no_figures():
    found = compare(ratings_of([(1.0, None), (None, 2.0)]), 0, 1)

    assert found.n == 0
    assert all(getattr(found, name) is None for name in FIGURES)


def test_where_nothing_varies_chance_explains_everything():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pair_of([(2.0, 2.0)] * 10)

    assert found.agreement == 1
    assert found.cohen_kappa is found.kappa_quadratic is found.pearson is found.icc_2_1 is None
    assert found.gwet_ac1 == 1


def five_levels(draw: np.random.Generator, n: int) -> np.ndarray:
    steps = draw.choice([-2, -1, 0, 1, 2], (n, 2), p=[0.05, 0.15, 0.6, 0.15, 0.05])
    return np.clip(draw.integers(1, 6, (n, 1)) + steps, 1, 5)


def one_level_frequent(draw: np.random.Generator, n: int) -> np.ndarray:
    true = draw.choice([1, 2, 3, 4, 5], (n, 1), p=[0.02, 0.03, 0.05, 0.2, 0.7])
    return np.clip(true + draw.choice([-1, 0, 1], (n, 2), p=[0.15, 0.75, 0.1]), 1, 5)


def mostly_yes(draw: np.random.Generator, n: int) -> np.ndarray:
    return (draw.random((n, 1)) < 0.9) ^ (draw.random((n, 2)) < 0.05)


@pytest.mark.parametrize("design", [five_levels, one_level_frequent, mostly_yes])
def test_intervals_cover_the_truth_at_about_their_rate(design):
    draw = np.random.default_rng(5)
    levels = (0.0, 1.0) if design is mostly_yes else LEVELS

    def sample(n: int):
        return pair_of(design(draw, n).astype(float).tolist(), levels)

    whole = sample(200_000)
    samples = [sample(150).intervals for _ in range(400)]

    for figure in (*FIGURES, "alpha_nominal", "alpha_ordinal", "alpha_interval"):
        truth = whole.intervals[figure].value
        inside = sum(one[figure].low <= truth <= one[figure].high for one in samples) / 400
        assert 0.91 <= inside <= 0.985, (figure, inside)
