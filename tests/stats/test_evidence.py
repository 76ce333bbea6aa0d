"""Evidence of drift: it alarms on a changed judge soon, and on an unchanged one hardly ever, however often one looks."""

import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dikast.stats.evidence import ALARM, DriftTest
from dikast.stats.intervals import wilson

STREAMS = 200
UNCHANGED_MAY_ALARM = int(binom.ppf(0.99, STREAMS, 1 / ALARM))
"""Of that many streams, by the 99 % bound of the stated level."""


def noise_of(dice: random.Random, flips: float, asked: int = 1500) -> float:
    """The upper bound of the change rate as it is measured: 300 anchors, asked five times again."""
    changed = sum(dice.random() < flips for _ in range(asked))
    bound = wilson(changed, asked).high
    assert bound is not None
    return bound


def alarms(dice: random.Random, rate: float, verdicts: int, noise: float, *, every: int = 1) -> bool:
    """Whether it alarms in a stream in which all verdicts are alike, looked at after so many each time."""
    test = DriftTest(noise=noise)
    for _ in range(verdicts // every):
        test = test.after([dice.random() < rate for _ in range(every)])
    return test.word == "drifted"


class Anchored:
    """A simulated judge with anchors: two answers of its own to one of them differ in `flips` of the cases."""

    def __init__(self, dice: random.Random, anchors: int, *, flips: float = 0.05, again: int = 5) -> None:
        self.dice = dice
        self.error = (1 - math.sqrt(1 - 2 * flips)) / 2
        self.passes = [dice.random() < 0.6 for _ in range(anchors)]
        self.kept = self.asked()
        bound = wilson(sum(map(sum, (self.changed() for _ in range(again)))), again * anchors).high
        assert bound is not None
        self.test = DriftTest(noise=bound)

    def asked(self) -> list[bool]:
        return [passed != (self.dice.random() < self.error) for passed in self.passes]

    def changed(self) -> list[bool]:
        return [one != kept for one, kept in zip(self.asked(), self.kept, strict=True)]

    def drop(self, points: int) -> None:
        """The pass rate falls: the judge is stricter with that many more of a hundred."""
        passed = [at for at, one in enumerate(self.passes) if one]
        for at in self.dice.sample(passed, points * len(self.passes) // 100):
            self.passes[at] = False

    def drifted_after(self, times: int) -> bool:
        for _ in range(times):
            self.test = self.test.after(self.changed())
        return self.test.word == "drifted"


def test_a_drop_of_ten_points_is_found_within_300_verdicts_in_nine_streams_of_ten():
    dice = random.Random(1)

    found = sum(alarms(dice, 0.05 + 0.10, 300, noise_of(dice, 0.05)) for _ in range(STREAMS))

    assert found >= 0.9 * STREAMS


def test_a_pass_rate_ten_points_lower_is_found_by_one_pass_over_300_anchors_in_nine_streams_of_ten():
    dice = random.Random(1)
    found = 0
    for _ in range(STREAMS):
        judge = Anchored(dice, 300)
        judge.drop(10)
        found += judge.drifted_after(1)

    assert found >= 0.9 * STREAMS


@pytest.mark.parametrize("flips", [0.0, 0.05, 0.136])
def test_an_unchanged_judge_alarms_no_more_often_than_the_level_says(flips: float):
    dice = random.Random(2)

    found = sum(alarms(dice, flips, 1500, noise_of(dice, flips), every=5) for _ in range(STREAMS))

    assert found <= UNCHANGED_MAY_ALARM


@pytest.mark.parametrize(("anchors", "times"), [(300, 10), (60, 50)])
def test_an_unchanged_judge_with_answers_that_were_kept_alarms_no_more_often_either(anchors: int, times: int):
    """What was kept may have been the unlikely answer, and then every pass finds it changed."""
    dice = random.Random(3)

    found = sum(Anchored(dice, anchors).drifted_after(times) for _ in range(STREAMS))

    assert found <= UNCHANGED_MAY_ALARM


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


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_over_a_pass_its_mean_is_one_at_the_most_where_the_verdicts_of_a_reply_hang_together(
    anchors: list[tuple[float, float]], spare: float
):
    """Exactly: each anchor changes a share of its verdicts at once, at a rate, or none of them."""
    mean = sum(part * rate for part, rate in anchors) / len(anchors)
    test = DriftTest(noise=mean + spare * (1 - mean))
    expected = 0.0
    for outcome in range(2 ** len(anchors)):
        changed = [bool(outcome >> at & 1) for at in range(len(anchors))]
        chance = math.prod(rate if one else 1 - rate for (_, rate), one in zip(anchors, changed, strict=True))
        shares = [part if one else 0.0 for (part, _), one in zip(anchors, changed, strict=True)]
        expected += chance * test.after(shares).e if chance else 0.0

    assert expected <= 1 + 1e-9


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=4), st.floats(0.001, 0.999))
def test_over_several_passes_its_mean_is_one_at_the_most(rates: list[float], spare: float):
    mean = sum(rates) / len(rates)
    seen = {DriftTest(noise=mean + spare * (1 - mean)): 1.0}
    for _ in range(2):
        then: dict[DriftTest, float] = {}
        for test, so_far in seen.items():
            for outcome in range(2 ** len(rates)):
                changed = [bool(outcome >> at & 1) for at in range(len(rates))]
                chance = math.prod(rate if one else 1 - rate for rate, one in zip(rates, changed, strict=True))
                grown = test.after(changed)
                then[grown] = then.get(grown, 0.0) + so_far * chance
        seen = then

    assert sum(test.e * chance for test, chance in seen.items()) <= 1 + 1e-9


@given(st.lists(st.booleans(), max_size=40), st.randoms(use_true_random=False), st.floats(0.01, 0.5))
def test_the_order_inside_a_pass_does_not_matter(outcomes: list[bool], dice: random.Random, noise: float):
    shuffled = dice.sample(outcomes, len(outcomes))

    one, other = DriftTest(noise=noise).after(outcomes), DriftTest(noise=noise).after(shuffled)

    assert one.e == pytest.approx(other.e)
    assert (one.outcomes, one.changed, one.passes) == (len(outcomes), sum(outcomes), 1)


def test_a_long_calm_does_not_hide_what_comes_after_it():
    calm = DriftTest(noise=0.05)
    for _ in range(50):
        calm = calm.after([True] * 12 + [False] * 288)

    assert calm.word == "unchanged"
    assert calm.after([True] * 60 + [False] * 240).word == "drifted"


def test_it_is_cautious_while_the_evidence_lasts_and_drifted_for_ever():
    test = DriftTest(noise=0.05)

    cautious = test.after([True] * 2)
    drifted = test.after([True] * 10)

    assert (test.word, cautious.word, drifted.word) == ("unchanged", "cautious", "drifted")
    assert 10 <= cautious.e < 100
    assert cautious.after([False] * 100).word == "unchanged"
    assert drifted.after([False] * 1000).e < 1
    assert drifted.after([False] * 1000).word == "drifted"


def test_it_stays_finite_so_that_a_file_can_hold_it():
    test = DriftTest(noise=0.01).after([True] * 5000)

    assert test.e > 1e300
    assert msgspec.json.decode(msgspec.json.encode(test), type=DriftTest) == test
    assert 0 < DriftTest(noise=0.5).after([False] * 5000).e < 1


@pytest.mark.parametrize("noise", [0.0, 1.0, -0.1, math.nan])
def test_a_noise_that_is_no_rate_is_refused(noise: float):
    with pytest.raises(ValueError, match="is no rate"):
        DriftTest(noise=noise)
