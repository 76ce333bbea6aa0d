"""Evidence of drift: it alarms on a changed judge soon, and on an unchanged one hardly ever, however often one looks."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dikast.stats.evidence import ALARM, DriftTest
from dikast.stats.intervals import wilson

STREAMS = 200


def noise_of(dice: random.Random, flips: float, asked: int = 1500) -> float:
    """The upper bound of the change rate as a certificate measures it: 300 anchors, asked five times again."""
    changed = sum(dice.random() < flips for _ in range(asked))
    bound = wilson(changed, asked).high
    assert bound is not None
    return bound


def alarms(dice: random.Random, rate: float, verdicts: int, noise: float) -> bool:
    return DriftTest(noise=noise).after(dice.random() < rate for _ in range(verdicts)).highest >= ALARM


def test_a_drop_of_ten_points_is_found_within_300_verdicts_in_nine_streams_of_ten():
    dice = random.Random(1)

    found = sum(alarms(dice, 0.05 + 0.10, 300, noise_of(dice, 0.05)) for _ in range(STREAMS))

    assert found >= 0.9 * STREAMS


@pytest.mark.parametrize("flips", [0.0, 0.05, 0.136])
def test_an_unchanged_judge_alarms_no_more_often_than_the_level_says(flips: float):
    dice = random.Random(2)

    found = sum(alarms(dice, flips, 1500, noise_of(dice, flips)) for _ in range(STREAMS))

    assert found <= binom.ppf(0.99, STREAMS, 1 / ALARM)


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_over_a_pass_its_mean_is_one_at_the_most_however_different_the_anchors_are(rates: list[float], spare: float):
    """Exactly, over all outcomes of a pass, for a judge whose anchors change at these rates."""
    mean = sum(rates) / len(rates)
    test = DriftTest(noise=mean + spare * (1 - mean))
    expected = 0.0
    for outcome in range(2 ** len(rates)):
        changed = [bool(outcome >> at & 1) for at in range(len(rates))]
        chance = math.prod(rate if one else 1 - rate for rate, one in zip(rates, changed, strict=True))
        expected += chance * test.after(changed).e if chance else 0.0

    assert expected <= 1 + 1e-9


@given(st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=40), st.floats(0.01, 0.5))
def test_in_two_parts_it_is_what_it_is_in_one(first: list[bool], second: list[bool], noise: float):
    apart = DriftTest(noise=noise).after(first).after(second)

    assert apart == DriftTest(noise=noise).after(first + second)
    assert apart.verdicts == len(first + second)
    assert apart.changed == sum(first + second)


def test_it_stays_finite_or_says_infinite():
    assert DriftTest(noise=0.01).after([True] * 5000).e == math.inf
    assert 0 <= DriftTest(noise=0.5).after([False] * 5000).e < 1


@pytest.mark.parametrize("noise", [0.0, 1.0, -0.1, math.nan])
def test_a_noise_that_is_no_rate_is_refused(noise: float):
    with pytest.raises(ValueError, match="is no rate"):
        DriftTest(noise=noise)
