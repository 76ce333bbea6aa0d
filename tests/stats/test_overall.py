# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ratings import NULL_VERDICT, ratings_of

from dikast.stats.intervals import unknown
from dikast.stats.overall import Overall, overall
from dikast.stats.pairs import compare
from dikast.stats.ratings import Ratings
from dikast.stats.shares import spread_share, through

LEVELS = (1.0, 2.0, 3.0, 4.0)
tables = st.lists(
    st.lists(st.sampled_from([*LEVELS, None, NULL_VERDICT]), min_size=4, max_size=4), min_size=1, max_size=15
)


def figures(ratings: Ratings) -> Overall:
    return overall(ratings, unknown(), {})


def alpha_by_definition(table: list[list], distance) -> float | None:
    """Krippendorff's alpha from the coincidences, one ordered pair after another."""
    units = [[x for x in row if isinstance(x, float)] for row in table]
    units = [unit for unit in units if len(unit) > 1]
    values = [x for unit in units for x in unit]
    counts = {level: values.count(level) for level in LEVELS}
    observed = sum(distance(x, y, counts) / (len(unit) - 1) for unit in units for x, y in permutations(unit, 2))
    expected = sum(distance(x, y, counts) for x, y in permutations(values, 2)) / (len(values) - 1) if values else 0
    return 1 - observed / expected if expected else None


def ordinal(x: float, y: float, counts: dict[float, int]) -> float:
    low, high = min(x, y), max(x, y)
    return (sum(n for level, n in counts.items() if low <= level <= high) - (counts[x] + counts[y]) / 2) ** 2


@given(tables)
def test_alpha_is_that_of_its_definition(table: list[list]):
    found = figures(ratings_of(table, LEVELS)).krippendorff_alpha

    for ours, distance in (
        (found.nominal, lambda x, y, _: float(x != y)),
        (found.interval, lambda x, y, _: (x - y) ** 2),
        (found.ordinal, ordinal),
    ):
        wanted = alpha_by_definition(table, distance)
        assert (ours is None and wanted is None) or ours == pytest.approx(wanted, abs=1e-9)


@given(tables)
def test_gwets_coefficients_are_those_of_the_full_table_of_weights(table: list[list]):
    found = figures(ratings_of(table, LEVELS))
    counts = np.array([[row.count(level) for level in LEVELS] for row in table], float)
    m = counts.sum(axis=1)
    assume((m > 1).any())
    shares = (counts[m > 0] / m[m > 0, None]).mean(axis=0)
    steps = np.subtract.outer(np.arange(4), np.arange(4))

    for ours, weights in ((found.gwet_ac1, np.eye(4)), (found.gwet_ac2, 1 - steps**2 / 9)):
        many, size = counts[m > 1], m[m > 1]
        agreement = ((many * (many @ weights - 1)).sum(axis=1) / (size * (size - 1))).mean()
        chance = weights.sum() / 12 * (shares * (1 - shares)).sum()
        assert ours == pytest.approx((agreement - chance) / (1 - chance), abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), min_size=3, max_size=30))
def test_of_two_raters_the_overall_figures_are_the_pairs(rows: list[tuple[float, float]]):
    ratings = ratings_of(rows, LEVELS)
    alone, every = compare(ratings, 0, 1), figures(ratings)

    for name in ("agreement", "fleiss_kappa", "gwet_ac1", "gwet_ac2", "icc_2_1"):
        one, other = getattr(alone, name), getattr(every, name)
        assert (one is None and other is None) or one == pytest.approx(other, abs=1e-9), name
    for name in ("nominal", "ordinal", "interval"):
        one, other = getattr(alone.krippendorff_alpha, name), getattr(every.krippendorff_alpha, name)
        assert (one is None and other is None) or one == pytest.approx(other, abs=1e-9), name


@given(tables, st.randoms())
def test_the_order_of_items_and_of_raters_changes_nothing(table: list[list], draw: random.Random):
    columns = draw.sample(range(4), 4)
    moved = [[row[at] for at in columns] for row in draw.sample(table, len(table))]
    one, other = figures(ratings_of(table, LEVELS)), figures(ratings_of(moved, LEVELS))

    for name in ("agreement", "fleiss_kappa", "gwet_ac1", "gwet_ac2", "icc_2_1"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None and second is None) or first == pytest.approx(second, abs=1e-9), name


def test_an_item_with_one_label_agrees_with_nobody():
    table = [[1.0, 1.0, None], [1.0, None, None], [2.0, NULL_VERDICT, None], [2.0, 2.0, 1.0]]

    found = figures(ratings_of(table))

    assert (found.n, found.labels) == (2, 5)
    assert found.agreement == pytest.approx((1 + 1 / 3) / 2)


def test_icc_is_over_the_items_that_everybody_labelled():
    table = [[1.0, 2.0], [3.0, 6.0], [9.0, None], [NULL_VERDICT, 4.0]]

    found = figures(ratings_of(table))

    assert found.icc_items == 2
    assert found.icc_2_1 == pytest.approx(8 / 13)


def test_no_label_at_all_is_no_figure():
    found = figures(ratings_of([[NULL_VERDICT, NULL_VERDICT], [NULL_VERDICT, None]], ()))

    assert (found.n, found.agreement, found.fleiss_kappa, found.krippendorff_alpha.interval) == (0, None, None, None)


@given(tables)
def test_bounds_take_in_how_the_figure_varies_when_one_item_is_left_out(table: list[list]):
    labelled = [row for row in table if any(isinstance(x, float) for x in row)]
    whole = figures(ratings_of(labelled, LEVELS))
    assume(whole.agreement is not None and whole.agreement < 1)
    each = [figures(ratings_of(labelled[:at] + labelled[at + 1 :], LEVELS)) for at in range(len(labelled))]
    n = len(labelled)

    for name in ("fleiss_kappa", "gwet_ac1"):
        value, without = getattr(whole, name), [getattr(one, name) for one in each]
        if value is None or None in without or any(one.agreement is None for one in each):
            continue
        chance = (whole.agreement - value) / (1 - value)
        held = np.array([one.agreement for one in each])
        spreads = [
            (n - 1) / n * ((figure - figure.mean()) ** 2).sum()
            for figure in (held, (1 - chance) * np.array(without, float))
        ]
        wanted = through(spread_share(whole.agreement, max(spreads), whole.n), chance)
        found = whole.intervals[name]
        assert (found.low, found.high) == (pytest.approx(wanted.low, abs=1e-6), pytest.approx(wanted.high, abs=1e-6))


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), min_size=3, max_size=30))
def test_of_two_raters_the_bounds_are_the_pairs(rows: list[tuple[float, float]]):
    ratings = ratings_of(rows, LEVELS)
    alone, every = compare(ratings, 0, 1).intervals, figures(ratings).intervals

    for name in ("fleiss_kappa", "gwet_ac1", "gwet_ac2", "alpha_nominal"):
        one, other = alone.get(name, unknown()), every.get(name, unknown())
        for bound in ("low", "high"):
            assert getattr(one, bound) == pytest.approx(getattr(other, bound), abs=1e-6), (name, bound)


def four_levels(draw: np.random.Generator, n: int) -> np.ndarray:
    return np.clip(draw.integers(1, 5, (n, 1)) + draw.choice([-1, 0, 1], (n, 4), p=[0.15, 0.7, 0.15]), 1, 4)


def mostly_yes(draw: np.random.Generator, n: int) -> np.ndarray:
    return ((draw.random((n, 1)) < 0.9) ^ (draw.random((n, 4)) < 0.05)).astype(int)


@pytest.mark.parametrize("design", [four_levels, mostly_yes])
def test_intervals_cover_the_truth_at_about_their_rate(design):
    draw = np.random.default_rng(6)

    def sample(n: int) -> Overall:
        table = design(draw, n).astype(float).tolist()
        return figures(ratings_of(table, (0.0, 1.0) if design is mostly_yes else LEVELS))

    whole = sample(30_000)
    samples = [sample(120).intervals for _ in range(300)]

    for figure in whole.intervals.keys() - {"leave_one_out"}:
        truth = whole.intervals[figure].value
        inside = sum(one[figure].low <= truth <= one[figure].high for one in samples) / 300
        assert 0.91 <= inside <= 0.985, (figure, inside)
