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


@pytest.mark.parametrize("figure", ["fleiss_kappa", "alpha_ordinal", "alpha_nominal", "gwet_ac1"])
def test_an_interval_covers_the_truth_at_about_its_rate(figure: str):
    draw = np.random.default_rng(6)

    def sample(n: int) -> list[list[float]]:
        true = draw.integers(1, 5, (n, 1))
        return np.clip(true + draw.choice([-1, 0, 1], (n, 4), p=[0.15, 0.7, 0.15]), 1, 4).astype(float).tolist()

    truth = figures(ratings_of(sample(30_000))).intervals[figure].value
    inside = 0
    for _ in range(300):
        interval = figures(ratings_of(sample(80))).intervals[figure]
        inside += interval.low <= truth <= interval.high

    assert 0.91 <= inside / 300 <= 0.985
