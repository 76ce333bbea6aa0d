# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportArgumentType=false

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from dikast.stats.correlation import icc_2_1, pearson, spearman, tau_b
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

    wanted, ours = {
        "pearson": (lambda x, y: pearsonr(x, y).statistic, of_pearson(a * 1.0, b * 1.0, pearson(a * 1.0, b * 1.0))),
        "spearman": (lambda x, y: spearmanr(x, y).statistic, of_spearman(a, b, 5, spearman(a, b, 5))),
        "tau_b": (lambda x, y: kendalltau(x, y).statistic, of_tau_b(a, b, 5, tau_b(a, b, 5))),
    }[name]

    assert ours == pytest.approx(leaving_one_out(columns, wanted), rel=0.03)


def test_labels_that_nobody_gave_change_nothing():
    a, b = skewed(np.random.default_rng(4)).T

    assert of_tau_b(a * 100, b * 100, 1000, 0.5) == pytest.approx(of_tau_b(a, b, 5, 0.5))
    assert of_spearman(a * 100, b * 100, 1000, 0.5) == pytest.approx(of_spearman(a, b, 5, 0.5))


def test_tau_of_labels_that_all_differ_has_no_table():
    codes = np.arange(1000)

    assert of_tau_b(codes, codes[::-1], 1000, -1.0) is None


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
