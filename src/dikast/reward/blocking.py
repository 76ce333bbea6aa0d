"""One event loop in one background thread, for callers that cannot await, or whose loop ends with the call.

One for the process, not one a call: connections and prefix caches live as long as the loop does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="dikast-loop", daemon=True).start()
    return loop


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on the background loop and waits. Ctrl-C cancels it and goes on to the caller."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def run_beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on the background loop and awaits it, for callers whose own loop does not last."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, _loop()))
