"""How many requests may be under way at once, and how many a minute: learnt from how the server takes them.

The limit rises while all is well: by one for each answer until the server first objects, by one for each
round of answers after that. It halves when the server says that it is too much, at most once for the
requests that were under way together, and five times a second: a fast server that refuses a share of all
requests, however few there are, would else be asked one at a time. (Additive increase, multiplicative
decrease: Chiu and Jain 1989.) A request that waits for its minute's share holds no place, so nothing is
learnt from it about the server.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

FIRST_LIMIT = 256
"""Requests at once to begin with, where the ceiling is not lower: what a server that batches takes in its stride. One
that takes less says so, and the limit is halved."""
CUT_EVERY = 0.2
"""Seconds between two cuts, at the least."""
BURST_SECONDS = 1.0
"""Seconds' worth of a rate that may be used at once; at least one request is."""


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
        self._closed_until = self._cut_at = -math.inf
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._requests = _Rate(requests_per_minute) if requests_per_minute else None
        self._tokens = _Rate(tokens_per_minute) if tokens_per_minute else None
        self._rates = tuple(rate for rate in (self._requests, self._tokens) if rate is not None)

    def entered(self, tokens: int) -> float | None:
        """Takes a place for a request of about so many tokens, where one is free now. Gives the time, for `too_much`."""
        now = self._clock()
        if self._waiting or self.under_way + 1 > self.limit or self._closed_for(now) > 0:
            return None
        self._take(tokens, now)
        return now

    async def enter(self, tokens: int) -> float:
        """Waits for a place. Gives the time of entry."""
        if (now := self.entered(tokens)) is not None:
            return now
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, tokens))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It was let in and stopped in the same moment: the place goes to the next.
                self.leave()
            raise
        return self._clock()

    def leave(self) -> None:
        """Gives a place back."""
        self.under_way -= 1
        if self._waiting:
            self._let_in()

    def well(self) -> None:
        """An answer came: there may be room for more. Counted before its place is given back."""
        if self.under_way + 1 <= self.limit:
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

    def _let_in(self) -> None:
        while self._waiting and self.under_way + 1 <= self.limit:
            turn, tokens = self._waiting[0]
            now = self._clock()
            if not turn.done() and (wait := self._closed_for(now)) > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._open_again)
                return
            self._waiting.popleft()
            if turn.done():
                # Whoever stood here has given up.
                continue
            self._take(tokens, now)
            turn.set_result(None)

    def _open_again(self) -> None:
        self._timer = None
        self._let_in()

    def _closed_for(self, now: float) -> float:
        """Seconds until somebody may enter: the server asked for them, or the minute's share is used up."""
        until = self._closed_until
        for rate in self._rates:
            until = max(until, rate.free_at)
        return until - now

    def _take(self, tokens: int, now: float) -> None:
        self.under_way += 1
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)


class _Rate:
    """So much a minute: what is taken is paid off before anything more may be."""

    def __init__(self, per_minute: float) -> None:
        # No minute may hold more, though it begins with what may be used at once.
        self._per_second = per_minute / (60 + BURST_SECONDS)
        self.free_at = -math.inf

    def take(self, amount: int, now: float) -> None:
        """Takes an amount, which may be more than there is: one request larger than a minute's share goes alone."""
        seconds = amount / self._per_second
        self.free_at = max(self.free_at, now - max(0.0, BURST_SECONDS - seconds)) + seconds
