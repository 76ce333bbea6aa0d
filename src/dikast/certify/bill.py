"""What a judge's answers take: requests, money and time, from the replies themselves.

The journal keeps a reply with its tokens and its seconds, so an answer that is there already takes here what it took
when it was asked: a second certificate says the same as the first.
"""

from __future__ import annotations

import math
from pathlib import Path

from dikast.models.base import Reply
from dikast.models.opening import connection_of
from dikast.models.prices import cost_of, price_of
from dikast.spec.models import Price


class Bill:
    """Gathers replies. `folder` is where models.yaml is looked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prices: dict[str, Price | None] = {}
        self._costs: list[float | None] = []
        self._seconds: list[float] = []

    def add(self, model: str, reply: Reply) -> None:
        """Adds one reply of a model."""
        if model not in self._prices:
            self._prices[model] = _price_of(model, self._folder)
        price = self._prices[model]
        self._costs.append(cost_of(price, reply) if price is not None and _is_known(price, reply) else None)
        if reply.seconds > 0:
            self._seconds.append(reply.seconds)

    @property
    def requests(self) -> int:
        return len(self._costs)

    @property
    def usd(self) -> float | None:
        """What all replies cost; None where one's cost is not known, or there is none."""
        known = [cost for cost in self._costs if cost is not None]
        return math.fsum(known) if known and len(known) == len(self._costs) else None

    @property
    def seconds(self) -> float | None:
        """Mean time of a request, over the replies that say."""
        return math.fsum(self._seconds) / len(self._seconds) if self._seconds else None

    @property
    def prices(self) -> dict[str, Price]:
        """What was reckoned with."""
        return {model: price for model, price in sorted(self._prices.items()) if price is not None}


def _price_of(model: str, folder: Path) -> Price | None:
    connection = connection_of(model, folder)
    if model.startswith("recorded:") and connection.price is None:
        # Reading a file costs nothing; what the answers in it have cost, nobody knows here.
        return None
    return price_of(model, connection)


def _is_known(price: Price, reply: Reply) -> bool:
    """Whether the tokens are told, where they cost anything."""
    return reply.prompt_tokens > 0 or not (price.input or price.output)
