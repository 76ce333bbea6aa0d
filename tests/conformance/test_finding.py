"""What is wrong with what a trainer got: each way in which an adapter could lie is seen."""

import math
from typing import Any

import pytest

from dikast.conform.finding import Finding, problems
from dikast.records import Score

# Two groups: one with a missing rollout, one with a single valid one.
EXPECTED = {
    f"{group}{at}": Score(
        id=f"{group}{at}", group=group, score=value, status="missing" if value is None else "scored",
        missing="timeout" if value is None else None,
    )
    for group, values in {"a": (0.25, None, 0.75), "b": (0.5, None)}.items()
    for at, value in enumerate(values)
}  # fmt: skip
REWARDS: dict[str, float | None] = {name: score.score for name, score in EXPECTED.items()}
ADVANTAGES: dict[str, float | None] = {"a0": -1.0, "a1": 0.0, "a2": 1.0, "b0": 0.0, "b1": 0.0}


def told(**changes: Any) -> list[str]:
    whole: dict[str, Any] = {
        "trainer": "t", "version": "1", "rewards": REWARDS, "advantages": ADVANTAGES,
        "alone": {"a0": -1.0, "a2": 1.0, "b0": 0.0},
    }  # fmt: skip
    return list(problems(Finding(**whole | changes), EXPECTED))


def test_a_trainer_that_gets_what_the_engine_gives_has_no_problem():
    assert told() == []
    assert told(advantages=ADVANTAGES | {"a1": None, "b1": None}) == []


@pytest.mark.parametrize("wrong", [0.2500001, 0.0, None, math.nan, math.nextafter(0.25, 1)])
def test_a_reward_must_be_equal_to_its_last_digit(wrong: float | None):
    assert told(rewards=REWARDS | {"a0": wrong}) == [f"a0: the adapter gave {wrong}, the engine 0.25"]


@pytest.mark.parametrize("wrong", [0.0, 0.5, math.nan])
def test_a_number_for_what_is_missing_is_seen(wrong: float):
    assert told(rewards=REWARDS | {"a1": wrong}) == [f"a1: the adapter gave {wrong}, the engine None"]


def test_a_rollout_that_was_never_scored_is_seen():
    assert told(rewards={name: value for name, value in REWARDS.items() if name != "b0"}) == [
        "1 rollouts were never scored, b0 for one"
    ]


@pytest.mark.parametrize("wrong", [-1.45, 0.01, math.nan])
def test_a_missing_rollout_that_moves_something_is_seen(wrong: float):
    assert told(advantages=ADVANTAGES | {"a1": wrong}) == [f"a1 is missing, and has the advantage {wrong}"]


@pytest.mark.parametrize("wrong", [None, math.nan])
def test_a_scored_rollout_that_was_lost_is_seen(wrong: float | None):
    found = told(advantages=ADVANTAGES | {"a2": wrong})

    assert found[0] == f"a2 is scored, and has the advantage {wrong}"


def test_a_sibling_that_was_changed_is_seen():
    [found] = told(advantages=ADVANTAGES | {"a0": -1.2})

    assert found == "a0: its advantage is -1.2, and -1.0 without its missing siblings"


def test_where_siblings_are_scaled_it_must_be_by_the_documented_factor():
    factor = math.sqrt(2 / 1)
    scaled = ADVANTAGES | {"a0": -factor, "a2": factor}

    assert told(advantages=scaled, siblings="scaled") == []
    assert len(told(advantages=scaled)) == 2
    assert len(told(siblings="scaled")) == 2


def test_a_group_may_be_dropped_whole_only_where_it_could_teach_nothing():
    gone = {"b0": None, "b1": None}

    assert told(rewards=REWARDS | gone, advantages=ADVANTAGES | gone, alone={}, dropped=["b0", "b1"]) == []
    lost = {"a0": None, "a1": None, "a2": None}
    assert told(rewards=REWARDS | lost, advantages=ADVANTAGES | lost, alone={}, dropped=list(lost)) != []
