"""Prime, then fan out: where requests share a prefix that is worth caching, one goes first.

The others follow when its answer begins, and find the prefix in the server's cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from dikast.models.base import answer_begun
from dikast.tasks import side_by_side

T = TypeVar("T")

WORTH_CACHING = 4000
"""Characters of a shared prefix from which on one request goes first: about the 1,024 tokens from which on servers
cache at all."""


Work = Callable[[], Coroutine[Any, Any, T]]
"""Work that is not begun yet."""


async def primed(work: Sequence[Work[T]], *, prefix: int) -> list[T]:
    """Does all side by side, the first ahead of the rest where they share `prefix` characters that are worth it."""
    if len(work) == 1:
        return [await work[0]()]
    if prefix < WORTH_CACHING:
        return await side_by_side(one() for one in work)
    begun = asyncio.Event()
    return await side_by_side([_announced(work[0], begun), *(_after(begun, one) for one in work[1:])])


async def _announced(work: Work[T], begun: asyncio.Event) -> T:
    outer = answer_begun.get()

    def tell() -> None:
        begun.set()
        if outer is not None:
            outer()

    # The variable is this task's own: what is asked outside of it announces nothing.
    answer_begun.set(tell)
    try:
        return await work()
    finally:
        begun.set()


async def _after(begun: asyncio.Event, work: Work[T]) -> T:
    await begun.wait()
    return await work()
