"""Runs what a user wrote in a thread of its own, one piece after another, so that none holds up the event loop.

    await aside(work, until=until)          # False where the deadline came first; the thread goes on to its end

One thread for the process: a user's function is never run twice at once. One that never ends leaves what comes after it
to its deadline, and does not keep the process alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue

Stopped = Callable[[], bool]
"""Whether nobody waits for the work any more."""
Work = Callable[[Stopped], None]

_Job = tuple[Work, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


async def aside(work: Work, *, until: float | None) -> bool:
    """Runs the work; raises what it raises. After `until`, in seconds of the loop's clock, nobody waits for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    _jobs().put((work, loop, done))
    try:
        async with asyncio.timeout_at(until):
            await done
    except TimeoutError:
        if until is None or loop.time() < until:
            raise
        return False
    return True


@cache
def _jobs() -> SimpleQueue[_Job]:
    jobs: SimpleQueue[_Job] = SimpleQueue()
    threading.Thread(target=_work_off, args=(jobs,), name="dikast-checks", daemon=True).start()
    return jobs


def _work_off(jobs: SimpleQueue[_Job]) -> None:
    while True:
        work, loop, done = jobs.get()
        if done.cancelled():
            continue
        error: BaseException | None = None
        try:
            work(done.cancelled)
        except BaseException as raised:  # noqa: BLE001  whatever it is, it belongs to whoever waits
            error = raised
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, done, error)


def _tell(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
