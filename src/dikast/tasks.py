"""Runs work side by side, and leaves nothing running when one piece fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
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
