"""Work side by side, and a second piece behind the first: what is not needed any more is stopped."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from dikast.errors import UnavailableError
from dikast.tasks import first_or_second, side_by_side

FOREVER = 3600.0


async def after(seconds: float, gives: Any) -> Any:
    await asyncio.sleep(seconds)
    if isinstance(gives, BaseException):
        raise gives
    return gives


def left_running() -> int:
    return len(asyncio.all_tasks()) - 1


async def test_what_ran_side_by_side_is_given_in_order():
    assert await side_by_side(after(seconds, seconds) for seconds in (0.02, 0.0, 0.01)) == [0.02, 0.0, 0.01]


async def test_the_first_error_stops_the_others_and_comes_as_it_is():
    with pytest.raises(UnavailableError, match=r"^no such key$"):
        await side_by_side([after(FOREVER, 1), after(0, UnavailableError("no such key"))])

    assert left_running() == 0


async def test_an_error_of_ours_comes_before_a_bug_that_comes_with_it():
    with pytest.raises(UnavailableError):
        await side_by_side([after(0, ZeroDivisionError()), after(0, UnavailableError("no such key"))])


async def raced(
    first: Coroutine[Any, Any, int], second: Coroutine[Any, Any, int], *, patience: float | None
) -> tuple[tuple[int | None, int | None], list[int | None]]:
    """What came out, and what the second was told. An answer above 0 is enough."""
    told: list[int | None] = []

    def start(said: int | None) -> Coroutine[Any, Any, int]:
        told.append(said)
        return second

    outcome = await first_or_second(
        first, start, after=patience, enough=lambda said: said > 0, whole=lambda said: said > 0
    )
    if not told:
        second.close()
    return outcome, told


@pytest.mark.parametrize("patience", [None, FOREVER])
async def test_a_first_that_gives_enough_in_time_is_alone(patience: float | None):
    assert await raced(after(0, 1), after(0, 2), patience=patience) == ((1, None), [])


@pytest.mark.parametrize("patience", [None, FOREVER])
async def test_a_first_that_gives_too_little_is_told_to_the_second(patience: float | None):
    assert await raced(after(0, -1), after(0, 2), patience=patience) == ((-1, 2), [-1])


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ((0.03, 1), (FOREVER, 2), (1, None)),
        ((FOREVER, 1), (0.0, 2), (None, 2)),
        ((0.03, 1), (0.0, -2), (1, -2)),
        ((0.03, -1), (0.06, 2), (-1, 2)),
        ((0.03, -1), (0.0, -2), (-1, -2)),
    ],
)
async def test_a_first_that_is_late_runs_beside_the_second_until_one_is_enough(first: Any, second: Any, outcome: Any):
    assert await raced(after(*first), after(*second), patience=0.01) == (outcome, [None])
    assert left_running() == 0


@pytest.mark.parametrize(("first", "second"), [(0.03, FOREVER), (FOREVER, 0.0)])
async def test_an_error_of_either_stops_both(first: float, second: float):
    with pytest.raises(UnavailableError):
        await raced(after(first, UnavailableError("broken")), after(second, UnavailableError("broken")), patience=0.01)

    assert left_running() == 0
