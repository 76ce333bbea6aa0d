"""Runs work side by side, and leaves nothing running when one piece fails or is not needed any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from dikast.errors import DikastError

T = TypeVar("T")


async def side_by_side(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs all at once and gives what they give, in order. The first error stops the others and comes as it is."""
    try:
        async with asyncio.TaskGroup() as running:
            jobs = [running.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        first = (failed.subgroup(DikastError) or failed).exceptions[0]
        raise first from first.__cause__
    return [job.result() for job in jobs]


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
