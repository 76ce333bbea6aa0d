"""What a trainer gets for a missing score, and when a run must not go on."""

import pytest

from dikast.adapters.missing import Coverage, rewards_of
from dikast.errors import ConfigError, ModelError, NotGoodEnoughError
from dikast.records import Score
from dikast.spec.run import Constant

RANGE = (0.0, 1.0)


def scored(value: float, group: str = "g") -> Score:
    return Score(id="s", group=group, score=value, status="scored")


def missing(group: str = "g") -> Score:
    return Score(id="m", group=group, score=None, status="missing", missing="timeout", detail="60 s")


def test_native_and_drop_say_none():
    scores = [scored(0.4), missing()]

    assert rewards_of(scores, "native", RANGE) == [0.4, None]
    assert rewards_of(scores, "drop", RANGE) == [0.4, None]


def test_the_group_mean_is_that_of_the_valid_scores_of_the_same_group():
    scores = [scored(0.4), scored(0.8), missing(), scored(0.1, "other"), missing("alone")]

    assert rewards_of(scores, "group_mean", RANGE) == [0.4, 0.8, pytest.approx(0.6), 0.1, None]


def test_a_constant_must_lie_in_the_range():
    assert rewards_of([missing()], Constant(0.5), RANGE) == [0.5]
    with pytest.raises(ConfigError, match=r"constant 0.5 is outside the reward's range \[1, 5\]"):
        rewards_of([missing()], Constant(0.5), (1, 5))


def test_raise_raises_with_the_reason():
    with pytest.raises(ModelError, match="timeout"):
        rewards_of([scored(0.4), missing()], "raise", RANGE)


def test_a_run_stops_when_a_tenth_of_a_full_window_is_missing():
    coverage = Coverage()
    step = [missing()] * 5 + [scored(0.5)] * 45

    shares = [coverage.add(step) for _ in range(3)]

    assert shares == pytest.approx([0.1] * 3)
    with pytest.raises(NotGoodEnoughError, match="10% of the last 200 scores are missing"):
        coverage.add(step)


def test_an_early_failure_alone_does_not_stop_a_run():
    coverage = Coverage()

    assert coverage.add([missing()] * 8) == 1.0


def test_old_steps_leave_the_window():
    coverage = Coverage()
    coverage.add([missing()] * 15 + [scored(0.5)] * 185)

    shares = [coverage.add([scored(0.5)] * 100) for _ in range(5)]

    assert shares[-1] == 0.0
