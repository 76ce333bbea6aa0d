"""How much may be under way: what is more is refused at once, with how long to wait, and not queued."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Generator
from contextlib import contextmanager

from dikast.serve.refusals import BusyError
from dikast.serve.settings import Settings

LONGEST_WAIT = 30
"""Seconds that somebody is asked to wait at the most."""
_NEWEST = 0.1
"""Weight of the latest batch in the usual time of one."""


class Backlog:
    """Counts the requests, bytes and rollouts under way, on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.requests = 0
        self.bytes = 0
        self.rollouts = 0
        self._usual = 1.0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def request(self) -> Generator[None]:
        """Counts a request while it is answered. Raises `BusyError`."""
        if self.requests >= self._settings.max_requests:
            raise self._busy(f"{self.requests} requests are under way")
        self.requests += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.requests -= 1
            if not self.requests:
                self._empty.set()

    @contextmanager
    def reading(self, length: int | None) -> Generator[None]:
        """Counts a body while it is read; one that does not say its length may be as long as any. Raises `BusyError`."""
        length = min(length if length is not None else self._settings.max_body, self._settings.max_body)
        if self.bytes and self.bytes + length > self._settings.max_bytes:
            raise self._busy(f"{self.bytes} bytes are being read")
        self.bytes += length
        try:
            yield
        finally:
            self.bytes -= length

    @contextmanager
    def judging(self, rollouts: int) -> Generator[None]:
        """Counts rollouts while they are judged. A batch larger than the most goes alone. Raises `BusyError`."""
        if self.rollouts and self.rollouts + rollouts > self._settings.max_rollouts:
            raise self._busy(f"{self.rollouts} rollouts are being judged")
        clock = asyncio.get_running_loop().time
        began = clock()
        self.rollouts += rollouts
        try:
            yield
        finally:
            self.rollouts -= rollouts
            self._usual += _NEWEST * (clock() - began - self._usual)

    async def emptied(self) -> None:
        """Waits until nothing is under way."""
        await self._empty.wait()

    def _busy(self, what: str) -> BusyError:
        return BusyError(f"{what}; ask again later", retry_after=min(LONGEST_WAIT, math.ceil(self._usual) or 1))
