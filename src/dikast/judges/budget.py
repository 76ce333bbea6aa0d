"""How much a judge may ask: a number of calls, an amount of money."""

from __future__ import annotations

from collections.abc import Mapping

from dikast.models.base import Reply
from dikast.models.prices import cost_of
from dikast.records import Missing
from dikast.spec.models import Price


class Budget:
    """Counts what is asked. Without limits it only counts.

    Money is known when a reply is there, so questions under way are taken to cost what the dearest one cost
    so far: a limit may be passed by the first questions that are under way at once, and by questions that are
    dearer than any before them.
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
        self._dearest = 0.0

    @property
    def spent_what(self) -> str:
        """Which limit was reached."""
        if self.most_calls is not None and self.calls >= self.most_calls:
            return f"the budget of {self.most_calls} calls is spent"
        return f"the budget of {self.most_usd} USD is spent"

    def take(self) -> bool:
        """Takes one call, or says that none is left."""
        reserved = self.usd + self._dearest * (self.under_way + 1)
        too_dear = self.most_usd is not None and (reserved > self.most_usd or self.usd >= self.most_usd)
        if too_dear or (self.most_calls is not None and self.calls >= self.most_calls):
            self.refused += 1
            return False
        self.calls += 1
        self.under_way += 1
        return True

    def settle(self, outcome: Reply | Missing | None, model: str) -> None:
        """Adds what a call that was taken has cost; a failed one is taken to be free."""
        self.under_way -= 1
        if isinstance(outcome, Reply) and (price := self.prices.get(model)):
            cost = cost_of(price, outcome)
            self.usd += cost
            self._dearest = max(self._dearest, cost)
