"""How many requests may be under way at once, and how many a minute: learnt from how the server takes them.

The limit rises while all is well: by one for each answer until the server first objects, by one for each
round of answers after that. It halves when the server says that it is too much, at most once for the
requests that were under way together and once a second: a server that refuses a share of all requests,
however few there are, would else be asked one at a time. (Additive increase, multiplicative decrease: Chiu and
Jain 1989.)
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

FIRST_LIMIT = 32
"""Requests at once to begin with, where the ceiling is not lower."""
CUT_EVERY = 1.0
"""Seconds between two cuts, at the least."""
BURST_SECONDS = 1.0
"""Seconds' worth of a rate that may be used at once."""


class Limiter:
    """The places for requests to one server, on one event loop."""

    def __init__(
        self,
        most: int,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.limit = float(min(most, FIRST_LIMIT))
        self.under_way = 0
        self._steep_until = float(most)
        """Up to this limit it rises with every answer."""
        self._clock = clock
        self._closed_until = 0.0
        self._cut_at = -math.inf
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._requests = _Rate(requests_per_minute, clock) if requests_per_minute else None
        self._tokens = _Rate(tokens_per_minute, clock) if tokens_per_minute else None

    async def enter(self, tokens: int) -> float:
        """Waits for a place for a request of about so many tokens. Gives the time of entry, for `leave`."""
        if self._waiting or not self._free():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            self._let_in()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    # It was let in and stopped in the same moment: the place goes to the next.
                    self.under_way -= 1
                    self._let_in()
                raise
        else:
            self.under_way += 1
        await self._paced(tokens)
        return self._clock()

    def leave(self) -> None:
        """Gives a place back."""
        self.under_way -= 1
        self._let_in()

    def well(self) -> None:
        """An answer came: there may be room for more. Counted before its place is given back."""
        if self.under_way + 1 < int(self.limit):
            # The limit is not what holds requests back, so nothing is learnt about it.
            return
        rise = 1.0 if self.limit < self._steep_until else 1.0 / self.limit
        self.limit = min(float(self.most), self.limit + rise)

    def too_much(self, *, entered: float, after: float) -> None:
        """The server said that it is too much, and for how many seconds to stay away."""
        now = self._clock()
        if entered > self._cut_at and now - self._cut_at >= CUT_EVERY:
            # Requests that were under way when it was last cut tell nothing new.
            self.limit = max(1.0, self.limit / 2)
            self._steep_until = self.limit
            self._cut_at = now
        self.close_for(after)

    def close_for(self, seconds: float) -> None:
        """Lets nobody in for a while."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def _free(self) -> bool:
        return self.under_way < int(self.limit) and self._clock() >= self._closed_until

    def _let_in(self) -> None:
        while self._waiting and self._free():
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
        wait = self._closed_until - self._clock()
        if self._waiting and wait > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._open_again)

    def _open_again(self) -> None:
        self._timer = None
        self._let_in()

    async def _paced(self, tokens: int) -> None:
        wait = max(
            self._requests.take(1) if self._requests else 0.0,
            self._tokens.take(tokens) if self._tokens else 0.0,
        )
        if wait > 0:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                self.leave()
                raise


class _Rate:
    """So much a minute, a second's worth of it at once: says how long each has to wait."""

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._per_second = per_minute / 60
        self._clock = clock
        self._next = clock() - BURST_SECONDS

    def take(self, amount: float) -> float:
        """Takes an amount and gives the seconds until it may be used."""
        now = self._clock()
        self._next = max(self._next, now - BURST_SECONDS) + amount / self._per_second
        return max(0.0, self._next - now)
