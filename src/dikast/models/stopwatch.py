"""Stops what takes too long: one timer for all that is under way, in place of one for each.

    watch = Stopwatch(120)
    with watch.timed():          # raises TimeoutError after 120 s
        answer = await ask()

All have the same time, so whoever began first is due first. It belongs to the event loop that runs when it is made.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Stopwatch:
    """Gives everything the same number of seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[Timed, None] = {}
        """In the order in which they are due."""

    def timed(self) -> Timed:
        """Times what the current task does inside the block."""
        timed = Timed(self._running, asyncio.current_task(self._loop), self._loop.time() + self.seconds)
        if self._timer is None:
            # It goes on by itself, to the next that is due.
            self._timer = self._loop.call_at(timed.due, self._look)
        return timed

    def _look(self) -> None:
        self._timer = None
        for timed in list(self._running):
            # The loop's timers come early by up to its clock's resolution.
            if timed.due > self._loop.time() + 1e-3:
                self._timer = self._loop.call_at(timed.due, self._look)
                return
            timed.stop()


class Timed:
    """One piece of work of one task. Cancelled by the watch it ends in TimeoutError, by others as it is."""

    __slots__ = ("_cancelling", "_late", "_running", "_task", "due")

    def __init__(self, running: dict[Timed, None], task: asyncio.Task[Any] | None, due: float) -> None:
        if task is None:
            raise RuntimeError("what is timed must run in a task")
        self._running = running
        self._task = task
        self._cancelling = task.cancelling()
        self._late = False
        self.due = due

    def __enter__(self) -> None:
        self._running[self] = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._late:
            del self._running[self]
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def stop(self) -> None:
        """Time is over."""
        self._late = True
        self._running.pop(self, None)
        self._task.cancel()
