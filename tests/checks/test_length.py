"""The length check: 1 inside the bounds, in a straight line to 0 outside."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.base import NOT_JSON, Checked, Outcome
from dikast.checks.length import length_check
from dikast.errors import ConfigError
from dikast.records import Rollout
from dikast.spec.checks import LengthCheck

See = Callable[..., Checked]


def check(**bounds: int) -> Callable[[Checked], Outcome]:
    return length_check(LengthCheck(**bounds, weight=0.1), items=None, where="reward.yaml: checks (length)")  # pyright: ignore[reportArgumentType, reportReturnType]


@pytest.mark.parametrize(
    ("words", "value"), [(0, 0.0), (2, 0.5), (4, 1.0), (10, 1.0), (11, 0.9), (15, 0.5), (20, 0.0), (500, 0.0)]
)
def test_the_value_falls_in_a_straight_line_outside_the_bounds(words: int, value: float, see: See):
    outcome = check(min_words=4, max_words=10)(see("word " * words))

    assert outcome.value == pytest.approx(value)
    assert (outcome.reason is None) == (value == 1)


def test_one_bound_is_enough(see: See):
    assert check(max_words=3)(see("")).value == 1
    assert check(min_words=2)(see("word " * 1000)).value == 1


def test_the_words_of_a_field_are_summed_over_the_items(see: See):
    run = length_check(LengthCheck(max_words=4, field="comment", gate=True), items="comments", where="w")
    completion = json.dumps({"comments": [{"comment": "one two three", "other": "x " * 50}, {"comment": "four five"}]})

    outcome = run(see(completion, items="comments"))

    assert outcome == Outcome(value=0.75, reason="5 words, more than 4")


def test_a_field_that_is_missing_or_no_text_has_no_words(see: See):
    run = length_check(LengthCheck(min_words=4, field="comment", gate=True), items="comments", where="w")

    outcome = run(see('{"comments": [{"comment": "one two"}, {"comment": 7}, {}, "three"]}', items="comments"))

    assert outcome == Outcome(value=0.5, reason="2 words, fewer than 4")


@pytest.mark.parametrize("completion", ["no JSON", '{"comment": "one two"}', "[]"])
def test_a_field_cannot_be_short_enough_where_it_cannot_be_found(completion: str, see: See):
    run = length_check(LengthCheck(max_words=9, field="comment", gate=True), items="comments", where="w")

    outcome = run(see(completion, items="comments"))

    assert isinstance(outcome, Outcome)
    assert outcome.value == 0


@pytest.mark.parametrize("bounds", [{"max_words": 0}, {"min_words": 5, "max_words": 4}, {"min_words": -1}])
def test_bounds_that_leave_no_length_are_a_configuration_error(bounds: dict[str, int]):
    with pytest.raises(ConfigError, match=r"^reward\.yaml: checks \(length\): "):
        check(**bounds)


@given(st.integers(0, 300), st.integers(1, 100), st.integers(0, 100))
def test_the_value_stays_in_range_and_is_one_only_inside_the_bounds(words: int, high: int, below: int):
    low = max(0, high - below)
    rollout = Rollout(id="r", group="g", prompt="p", completion="word " * words)

    outcome = check(min_words=low, max_words=high)(Checked(rollout=rollout, documents=(), parsed=NOT_JSON, items=None))

    assert 0 <= outcome.value <= 1
    assert (outcome.value == 1) == (low <= words <= high)
