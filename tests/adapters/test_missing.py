"""What a trainer gets for a missing score, and when a run must not go on."""

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.adapters.missing import Coverage, rewards_of
from dikast.errors import ConfigError, ModelError, NotGoodEnoughError
from dikast.records import Score
from dikast.spec.run import Constant

UNIT = (0.0, 1.0)


def scores_of(*values: float | None, group: str = "g") -> list[Score]:
    return [
        Score(
            id=f"{group}{at}",
            group=group,
            score=value,
            status="missing" if value is None else "scored",
            missing="timeout" if value is None else None,
            detail="late" if value is None else None,
        )
        for at, value in enumerate(values)
    ]


@pytest.mark.parametrize("setting", ["native", "drop"])
def test_missing_is_none_where_the_trainer_has_a_word_for_it(setting: Any):
    assert rewards_of(scores_of(0.5, None, 0.0), setting, UNIT) == [0.5, None, 0.0]


def test_group_mean_is_the_mean_of_the_groups_valid_scores():
    scores = scores_of(0.2, None, 0.8, group="a") + scores_of(1.0, None, None, group="b")

    assert rewards_of(scores, "group_mean", UNIT) == [0.2, 0.5, 0.8, 1.0, 1.0, 1.0]


def test_a_group_without_a_valid_score_stays_missing_under_group_mean():
    scores = scores_of(None, None, group="a") + scores_of(0.5, group="b")

    assert rewards_of(scores, "group_mean", UNIT) == [None, None, 0.5]


def test_a_gated_rollout_counts_with_its_score():
    gated = Score(id="x", group="g", score=0.0, status="gated")

    assert rewards_of([gated, *scores_of(1.0, None)], "group_mean", UNIT) == [0.0, 1.0, 0.5]


VALID = st.lists(st.floats(0, 1), min_size=2, max_size=8)


@given(valid=VALID, missing=st.integers(1, 4))
def test_group_mean_gives_an_advantage_of_zero_under_a_group_mean_baseline(valid: list[float], missing: int):
    rewards = rewards_of(scores_of(*valid, *[None] * missing), "group_mean", UNIT)

    baseline = sum(rewards) / len(rewards)
    assert all(abs(reward - baseline) < 1e-9 for reward in rewards[len(valid) :])
    assert rewards[: len(valid)] == valid


@given(valid=VALID.filter(lambda values: statistics.stdev(values) > 1e-3), missing=st.integers(1, 4))
def test_under_standard_deviation_scaling_the_siblings_advantages_grow_as_documented(valid: list[float], missing: int):
    rewards = rewards_of(scores_of(*valid, *[None] * missing), "group_mean", UNIT)

    growth = statistics.stdev(valid) / statistics.stdev(rewards)

    m, group = len(valid), len(rewards)
    assert growth == pytest.approx(math.sqrt((group - 1) / (m - 1)))


def test_a_constant_stands_for_missing_where_it_was_asked_for():
    assert rewards_of(scores_of(0.5, None), Constant(constant=0.0), UNIT) == [0.5, 0.0]


@pytest.mark.parametrize("constant", [-0.1, 1.1, math.nan, math.inf])
def test_a_constant_outside_the_range_is_refused_whether_or_not_anything_is_missing(constant: float):
    for scores in (scores_of(0.5), scores_of(None), []):
        with pytest.raises(ConfigError, match=r"on_missing: constant .* is outside the reward's range \[0.0, 1.0\]"):
            rewards_of(scores, Constant(constant=constant), UNIT)


def test_raise_stops_with_the_reason_and_the_rollout():
    with pytest.raises(ModelError, match="timeout: rollout 'g1': late") as error:
        rewards_of(scores_of(0.5, None), "raise", UNIT)

    assert error.value.reason == "timeout"
    assert rewards_of(scores_of(0.5, 0.25), "raise", UNIT) == [0.5, 0.25]


@given(
    values=st.lists(st.none() | st.floats(0, 1), max_size=12), setting=st.sampled_from(["native", "drop", "group_mean"])
)
def test_no_setting_changes_a_score_that_was_had_or_gives_a_number_outside_the_range(
    values: list[float | None], setting: Any
):
    rewards = rewards_of(scores_of(*values), setting, UNIT)

    assert len(rewards) == len(values)
    for value, reward in zip(values, rewards, strict=True):
        assert reward == value if value is not None else reward is None or 0.0 <= reward <= 1.0


class TestCoverage:
    """Warn at 5 % missing, pause at 10 %, over the last max(200 rollouts, 4 steps)."""

    @staticmethod
    def step(size: int, missing: int) -> list[Score]:
        return scores_of(*[None] * missing, *[0.5] * (size - missing))

    def test_it_gives_the_share_missing_in_the_window(self):
        coverage = Coverage()

        shares = [coverage.add(self.step(100, missing)) for missing in (0, 4, 8)]

        assert shares == pytest.approx([0.0, 0.02, 0.04])

    def test_it_stops_at_ten_percent(self):
        coverage = Coverage()
        for _ in range(3):
            coverage.add(self.step(50, 5))

        with pytest.raises(
            NotGoodEnoughError, match=r"20 of the last 200 scores are missing .*run the same command again"
        ):
            coverage.add(self.step(50, 5))

    def test_a_little_less_goes_on(self):
        coverage = Coverage()

        shares = [coverage.add(self.step(100, 9)) for _ in range(20)]

        assert shares == pytest.approx([0.09] * 20)

    def test_a_few_failures_in_a_small_first_step_say_little(self):
        coverage = Coverage()

        for _ in range(4):
            coverage.add(self.step(8, 4))

    def test_a_run_shorter_than_the_window_stops_when_no_later_score_could_save_it(self):
        coverage = Coverage()

        for _ in range(11):
            coverage.add(self.step(16, 1))
        with pytest.raises(NotGoodEnoughError, match="20 of the last 192 scores"):
            coverage.add(self.step(16, 9))

    def test_large_steps_must_be_four_before_they_stop_a_run(self):
        coverage = Coverage()

        for _ in range(3):
            assert coverage.add(self.step(1000, 500)) == 0.5
        with pytest.raises(NotGoodEnoughError):
            coverage.add(self.step(1000, 500))

    def test_what_lies_before_the_window_is_forgotten(self):
        coverage = Coverage()
        coverage.add(self.step(30, 30))
        coverage.add(self.step(170, 0))

        shares = [coverage.add(self.step(100, 0)) for _ in range(4)]

        assert shares[-1] == 0.0

    def test_one_by_one_it_warns_once_when_five_percent_of_two_hundred_are_missing(
        self, caplog: pytest.LogCaptureFixture
    ):
        coverage = Coverage()
        for _ in range(9):
            coverage.watch(self.step(1, 1))
        quiet = list(caplog.messages)

        for _ in range(3):
            coverage.watch(self.step(1, 1))

        assert quiet == []
        assert caplog.messages == ["100.0% of the last 10 scores are missing; mend the judge"]

    def test_it_warns_again_where_it_was_better_in_between(self, caplog: pytest.LogCaptureFixture):
        coverage = Coverage()

        for missing in (10, 0, 0, 0, 0, 12):
            coverage.watch(self.step(50, missing))

        assert len(caplog.messages) == 2

    def test_no_rollouts_are_no_share(self):
        assert Coverage().add([]) == 0.0

    @given(st.lists(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=20))
    def test_the_window_holds_the_last_two_hundred_rollouts_or_four_steps(self, steps: list[tuple[int, int]]):
        coverage = Coverage()

        for at, (size, missing) in enumerate(steps):
            seen = steps[: at + 1]
            window = next(
                (seen[-n:] for n in range(4, len(seen) + 1) if sum(rollouts for rollouts, _ in seen[-n:]) >= 200), seen
            )
            expected = sum(lost for _, lost in window) / sum(rollouts for rollouts, _ in window)
            if len(window) >= 4 and sum(m for _, m in window) >= 0.10 * max(200, sum(n for n, _ in window)):
                with pytest.raises(NotGoodEnoughError):
                    coverage.add(self.step(size, missing))
                return
            assert coverage.add(self.step(size, missing)) == pytest.approx(expected)
