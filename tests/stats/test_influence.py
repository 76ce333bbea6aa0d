# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportArgumentType=false

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from dikast.stats.correlation import icc_2_1, pearson, spearman, tau_b
from dikast.stats.crossed import Crossed
from dikast.stats.influence import of_pearson, of_spearman, of_tau_b


def yes_and_no(draw: np.random.Generator) -> np.ndarray:
    true = draw.random((400, 1)) < 0.85
    return (true ^ (draw.random((400, 2)) < 0.1)).astype(np.int64)


def skewed(draw: np.random.Generator) -> np.ndarray:
    true = draw.choice(5, (400, 1), p=[0.05, 0.05, 0.1, 0.2, 0.6])
    return np.clip(true + draw.choice([-1, 0, 1], (400, 2), p=[0.2, 0.6, 0.2]), 0, 4)


def leaving_one_out(columns: np.ndarray, figure: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """n times the jackknife's variance."""
    each = np.array([figure(*np.delete(columns, at, axis=0).T) for at in range(len(columns))])
    return (len(each) - 1) * ((each - each.mean()) ** 2).sum()


@pytest.mark.parametrize("design", [yes_and_no, skewed])
@pytest.mark.parametrize("name", ["pearson", "spearman", "tau_b"])
def test_the_influence_is_what_leaving_an_item_out_changes(name: str, design: Callable[..., np.ndarray]):
    columns = design(np.random.default_rng(3))
    a, b = columns.T
    met = Crossed.of(a, b, 5)
    table = met.table()

    wanted, ours = {
        "pearson": (lambda x, y: pearsonr(x, y).statistic, of_pearson(a * 1.0, b * 1.0, pearson(a * 1.0, b * 1.0))),
        "spearman": (lambda x, y: spearmanr(x, y).statistic, of_spearman(met, spearman(met))),
        "tau_b": (lambda x, y: kendalltau(x, y).statistic, of_tau_b(table, tau_b(met, table))),
    }[name]

    assert ours == pytest.approx(leaving_one_out(columns, wanted), rel=0.03)


def test_labels_that_nobody_gave_change_nothing():
    a, b = skewed(np.random.default_rng(4)).T
    few, many = Crossed.of(a, b, 5), Crossed.of(a * 100, b * 100, 1000)

    assert of_tau_b(many.table(), 0.5) == pytest.approx(of_tau_b(few.table(), 0.5))
    assert of_spearman(many, 0.5) == pytest.approx(of_spearman(few, 0.5))


def test_the_spread_of_spearman_among_values_that_all_differ_is_what_leaving_an_item_out_changes():
    draw = np.random.default_rng(6)
    x = draw.normal(size=400)
    columns = np.stack([x, x + draw.normal(size=400)], axis=1)
    a, b = (np.argsort(np.argsort(column)) for column in columns.T)
    met = Crossed.of(a, b, 400)

    ours = of_spearman(met, spearman(met))

    assert ours == pytest.approx(leaving_one_out(columns, lambda x, y: spearmanr(x, y).statistic), rel=0.03)


def test_icc_is_bounded_by_the_items_where_they_are_far_from_normal():
    columns = yes_and_no(np.random.default_rng(5)).astype(float)
    found = icc_2_1(columns)
    each = np.array([icc_2_1(np.delete(columns, at, axis=0)).value for at in range(len(columns))])
    n, value = len(each), found.value
    # On the scale ½ log((1 + ICC) / (1 - ICC)), which for two raters is Fisher's.
    half = 1.959964 * np.sqrt((n - 1) / n * ((each - each.mean()) ** 2).sum()) / (1 - value**2)

    assert (found.low, found.high) == (
        pytest.approx(np.tanh(np.arctanh(value) - half)),
        pytest.approx(np.tanh(np.arctanh(value) + half)),
    )
