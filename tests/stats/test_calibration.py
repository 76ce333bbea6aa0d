# A figure may be None; comparing it then fails the test, as it should.
# pyright: reportOperatorIssue=false, reportOptionalOperand=false

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from dikast.stats.calibration import calibration

rows = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(rows)
def test_brier_and_log_loss_are_scikit_learns(pairs: list[tuple[float, bool]]):
    said, true = (np.array(column) for column in zip(*pairs, strict=True))

    found = calibration(said, true)

    assert found.brier.value == pytest.approx(brier_score_loss(true, said, pos_label=True), abs=1e-12)
    held = np.clip(said, 1e-6, 1 - 1e-6)
    assert found.log_loss.value == pytest.approx(log_loss(true, held, labels=[False, True]))
    assert found.base_rate == pytest.approx(true.mean())


@given(rows)
def test_the_curve_holds_every_verdict_once_and_gives_the_error(pairs: list[tuple[float, bool]]):
    said, true = (np.array(column) for column in zip(*pairs, strict=True))

    found = calibration(said, true)

    assert sum(one.true.n for one in found.curve) == found.n == len(pairs)
    gaps = [one.true.n * abs(one.said - one.true.value) for one in found.curve]
    assert found.ece.value == pytest.approx(sum(gaps) / len(pairs), abs=2e-3)
    assert found.ece.low is None or found.ece.low <= found.ece.value <= found.ece.high


def test_the_curve_is_scikit_learns_away_from_the_edges_of_bins():
    draw = np.random.default_rng(1)
    said = draw.integers(0, 100, 500) / 100 + 0.003
    true = draw.random(500) < said

    found = calibration(said, true)

    share, mean = calibration_curve(true, said, n_bins=10)
    assert [one.true.value for one in found.curve] == pytest.approx(share.tolist())
    assert [one.said for one in found.curve] == pytest.approx(mean.tolist())


def test_probabilities_that_mean_what_they_say_have_a_small_error_and_bold_ones_a_large_one():
    draw = np.random.default_rng(2)
    chance = draw.random(20_000)
    true = draw.random(20_000) < chance

    honest, bold = calibration(chance, true), calibration(np.round(chance), true)

    assert honest.ece.value < 0.02 < bold.ece.value
    assert honest.brier.value < bold.brier.value


def test_one_confident_error_is_not_infinite():
    assert calibration(np.array([1.0, 0.5]), np.array([False, True])).log_loss.value < 10
