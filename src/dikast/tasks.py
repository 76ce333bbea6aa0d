"""Runs work side by side, and leaves nothing running when one piece fails or is not needed any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from dikast.errors import DikastError

T = TypeVar("T")


@asynccontextmanager
async def _together() -> AsyncGenerator[asyncio.TaskGroup]:
    """A group of tasks whose first error stops the others and comes as it is."""
    try:
        async with asyncio.TaskGroup() as running:
            yield running
    except BaseExceptionGroup as failed:
        first = (failed.subgroup(DikastError) or failed).exceptions[0]
        raise first from first.__cause__


async def side_by_side(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs all at once and gives what they give, in order. The first error stops the others and comes as it is."""
    async with _together() as running:
        jobs = [running.create_task(one) for one in work]
    return [job.result() for job in jobs]


async def as_room_allows(work: Iterable[tuple[int, Callable[[], Coroutine[Any, Any, None]]]], *, room: int) -> None:
    """Begins each piece of work, in order, when there are as many places as it wants; one that wants more has all.

    What has not begun costs nothing: there are as many tasks as places, however much work there is.
    """
    free = room
    freed = asyncio.Event()

    def give_back(places: int, _: asyncio.Task[None]) -> None:
        nonlocal free
        free += places
        freed.set()

    async with _together() as running:
        for wanted, begin in work:
            places = min(wanted, room)
            while free < places:
                freed.clear()
                await freed.wait()
            free -= places
            running.create_task(begin()).add_done_callback(partial(give_back, places))


async def first_or_second(
    first: Coroutine[Any, Any, T],
    second: Callable[[T | None], Coroutine[Any, Any, T]],
    *,
    after: float | None,
    enough: Callable[[T], bool],
    whole: Callable[[T], bool],
) -> tuple[T | None, T | None]:
    """Runs a second piece of work where the first does not give enough, or nothing within `after` seconds.

    Gives what each gave: None for the second where it was not needed, for the first where the second was whole
    before it. `second` makes the second's work from what the first gave, None where that is not there yet.
    """
    jobs = [asyncio.ensure_future(first)]
    try:
        await asyncio.wait(jobs, timeout=after)
        if jobs[0].done():
            given = jobs[0].result()
            return given, None if enough(given) else await second(given)
        jobs.append(asyncio.ensure_future(second(None)))
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        one, other = (job.result() if job.done() else None for job in jobs)
        settled = (one is not None and enough(one)) or (other is not None and whole(other))
        if not settled:
            one, other = await asyncio.gather(*jobs)
        return one, other
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
