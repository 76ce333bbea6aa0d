"""How much a judge may ask: a number of calls, an amount of money."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from dikast.models.base import Reply
from dikast.models.prices import cost_of, cost_of_tokens
from dikast.records import Missing
from dikast.spec.models import Price

BYTES_PER_TOKEN = 4
"""Of a request, about: what it costs at the most rests on it, until a reply tells."""


class Budget:
    """Counts what is asked. Without limits it only counts.

    Money is known when a reply is there, so questions under way are taken to cost what the dearest one cost so far,
    and before the first reply what they cost at the most. Whoever would pass the limit waits for them. A limit may
    be passed by the first question, and by questions that are dearer than any before them.
    """

    def __init__(
        self, *, calls: int | None = None, usd: float | None = None, prices: Mapping[str, Price] | None = None
    ) -> None:
        self.most_calls = calls
        self.most_usd = usd
        self.prices = prices or {}
        self.calls = 0
        self.usd = 0.0
        self.refused = 0
        """Questions that were not asked because a limit was reached."""
        self.under_way = 0
        """Calls taken and not settled."""
        self._dearest: float | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent_what(self) -> str:
        """Which limit was reached."""
        if self.most_calls is not None and self.calls >= self.most_calls:
            return f"the budget of {self.most_calls} calls is spent"
        return f"the budget of {self.most_usd} USD is spent"

    def at_most(self, model: str, *, size: int, max_tokens: int) -> float:
        """US dollars that a request of so many bytes may cost; 0 where nobody knows its price."""
        price = self.prices.get(model)
        if price is None:
            return 0.0
        return cost_of_tokens(price, prompt=size / BYTES_PER_TOKEN, cached=0, completion=max_tokens)

    async def room(self, at_most: float) -> None:
        """Waits while the limit is in sight and questions under way may turn out to cost less than they might."""
        while self.under_way and self._too_dear(at_most):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def take(self, at_most: float = 0.0) -> bool:
        """Takes one call, or says that none is left."""
        if (self.most_usd is not None and self._too_dear(at_most)) or (
            self.most_calls is not None and self.calls >= self.most_calls
        ):
            self.refused += 1
            return False
        self.calls += 1
        self.under_way += 1
        return True

    def settle(self, outcome: Reply | Missing | None, model: str) -> None:
        """Adds what a call that was taken has cost; a failed one is taken to be free."""
        self.under_way -= 1
        if self.prices and isinstance(outcome, Reply) and (price := self.prices.get(model)):
            cost = cost_of(price, outcome)
            self.usd += cost
            self._dearest = max(self._dearest or 0.0, cost)
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)

    def _too_dear(self, at_most: float) -> bool:
        """Whether one more call may pass the limit. The first of all may: nobody knows yet what a call costs."""
        if self.most_usd is None:
            return False
        if self.usd >= self.most_usd:
            return True
        each = at_most if self._dearest is None else self._dearest
        if self._dearest is None and not self.under_way:
            return False
        return self.usd + each * (self.under_way + 1) > self.most_usd
