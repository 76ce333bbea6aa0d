"""A failed rollout among its siblings, without a server: who is waited for, for how long, and what comes of it."""

import asyncio
import math
from typing import Any

import pytest

from dikast.adapters.siblings import KEPT_ROLLOUTS, KEPT_SECONDS, Siblings
from dikast.errors import ConfigError, ModelError, UsageError
from dikast.records import Score
from dikast.serve.standing_in import StandIn
from dikast.spec.run import Constant


def score(value: float | None, group: str = "g") -> Score:
    if value is None:
        return Score(id="x", group=group, score=None, status="missing", missing="timeout", detail="good: no answer")
    return Score(id="x", group=group, score=value, status="scored")


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def rewards(stand_in: StandIn, scores: list[Score], siblings: Siblings, seconds: float = 5.0) -> list[float]:
    siblings.note(scores)
    return await stand_in.rewards(scores, siblings, until=soon(seconds))


MEAN = StandIn(on_missing="group_mean")


async def test_a_failed_rollout_waits_for_two_scored_siblings_and_gets_their_mean():
    siblings = Siblings()
    waiting = asyncio.create_task(rewards(MEAN, [score(None)], siblings))
    await asyncio.sleep(0.01)
    siblings.note([score(0.2)])
    await asyncio.sleep(0.01)
    assert not waiting.done()

    siblings.note([score(0.6)])

    assert await waiting == [pytest.approx(0.4)]


async def test_siblings_that_came_before_count():
    siblings = Siblings()
    siblings.note([score(0.2), score(0.6)])

    assert await rewards(MEAN, [score(None)], siblings) == [pytest.approx(0.4)]


async def test_another_prompts_rollouts_and_failed_siblings_do_not_count():
    siblings = Siblings()
    siblings.note([score(0.9, "other"), score(0.9, "other"), score(None), score(None)])

    with pytest.raises(ModelError, match="timeout"):
        await rewards(MEAN, [score(None)], siblings, seconds=0.05)


async def test_at_the_deadline_the_one_sibling_that_is_scored_stands_in():
    siblings = Siblings()
    siblings.note([score(0.3)])

    assert await rewards(MEAN, [score(None)], siblings, seconds=0.05) == [0.3]


async def test_without_any_sibling_the_request_fails_with_the_judges_reason_and_no_number():
    with pytest.raises(ModelError, match="good: no answer") as failed:
        await rewards(MEAN, [score(None)], Siblings(), seconds=0.05)

    assert failed.value.reason == "timeout"


async def test_without_any_sibling_a_trainer_that_drops_groups_gets_nan():
    [number] = await rewards(StandIn(on_missing="group_mean", drops_nan=True), [score(None)], Siblings(), seconds=0.05)

    assert math.isnan(number)


@pytest.mark.parametrize("on_missing", ["native", "drop"])
async def test_native_is_nan_at_once_where_the_trainer_drops_the_group(on_missing: Any):
    siblings = Siblings()
    siblings.note([score(0.2), score(0.6)])

    [number, good] = await rewards(StandIn(on_missing=on_missing, drops_nan=True), [score(None), score(0.5)], siblings)

    assert math.isnan(number)
    assert good == 0.5


async def test_a_constant_is_given_at_once_and_scored_rollouts_keep_their_scores():
    assert await rewards(StandIn(on_missing=Constant(constant=0.1)), [score(0.7), score(None)], Siblings()) == [
        0.7,
        0.1,
    ]


async def test_raise_fails_at_once_though_siblings_are_there():
    siblings = Siblings()
    siblings.note([score(0.2), score(0.6)])

    with pytest.raises(ModelError):
        await rewards(StandIn(on_missing="raise", drops_nan=True), [score(None)], siblings)


async def test_all_siblings_are_waited_for_where_their_number_is_given_so_that_the_advantage_is_exactly_zero():
    siblings = Siblings()
    waiting = asyncio.create_task(rewards(StandIn(on_missing="group_mean", enough=3), [score(None)], siblings))
    await asyncio.sleep(0.01)
    siblings.note([score(0.2), score(0.6)])
    await asyncio.sleep(0.01)
    assert not waiting.done()

    siblings.note([score(1.0)])

    [number] = await waiting
    group = [0.2, 0.6, 1.0, number]
    assert number - sum(group) / 4 == pytest.approx(0, abs=1e-12)


async def test_two_failed_rollouts_of_a_group_do_not_wait_for_each_other():
    siblings = Siblings()
    siblings.note([score(0.2), score(0.6)])
    stand_in = StandIn(on_missing="group_mean", enough=3)

    both = await asyncio.gather(*(rewards(stand_in, [score(None)], siblings) for _ in range(2)))

    assert both == [[pytest.approx(0.4)], [pytest.approx(0.4)]]


async def test_what_was_judged_long_ago_is_no_sibling():
    now = [0.0]
    siblings = Siblings(clock=lambda: now[0])
    siblings.note([score(0.2), score(0.6)])

    now[0] = KEPT_SECONDS + 1
    siblings.note([score(None)])

    assert await siblings.mean("g", enough=2, until=soon(0.05)) is None


async def test_no_more_rollouts_are_remembered_than_may_be():
    siblings = Siblings()
    siblings.note([score(0.5, str(at)) for at in range(KEPT_ROLLOUTS + 10)])

    assert await siblings.mean("0", enough=1, until=soon(0.01)) is None
    assert await siblings.mean(str(KEPT_ROLLOUTS), enough=1, until=soon(0.01)) == 0.5


async def test_who_gives_up_waiting_leaves_nothing_behind():
    siblings = Siblings()
    waiting = asyncio.create_task(siblings.mean("g", enough=2, until=soon()))
    await asyncio.sleep(0.01)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert siblings._prompts["g"].waiting == []


@pytest.mark.parametrize("on_missing", ["native", "drop"])
def test_a_trainer_that_drops_nothing_cannot_be_asked_to(on_missing: Any):
    with pytest.raises(UsageError, match="drops nothing"):
        StandIn(on_missing=on_missing).check((0, 1))

    StandIn(on_missing=on_missing, drops_nan=True).check((0, 1))


def test_a_constant_must_lie_in_the_rewards_range():
    with pytest.raises(ConfigError, match="outside the reward's range"):
        StandIn(on_missing=Constant(constant=2)).check((0, 1))
