"""What a model's tokens cost: from models.yaml, else from the table that comes with dikast, each price with its date."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from dikast.models.base import Reply
from dikast.spec.models import ModelConnection, Price
from dikast.spec.reading import load_yaml

_MILLION = 1_000_000


def cost_of(price: Price, reply: Reply) -> float:
    """US dollars of one reply."""
    return cost_of_tokens(
        price, prompt=reply.prompt_tokens, cached=reply.cached_tokens, completion=reply.completion_tokens
    )


def cost_of_tokens(price: Price, *, prompt: float, cached: float, completion: float) -> float:
    """US dollars of so many tokens, of which `cached` of the prompt's came from the server's prefix cache."""
    fresh = max(0.0, prompt - cached)
    read = price.cached if price.cached is not None else price.input
    return (fresh * price.input + cached * read + completion * price.output) / _MILLION


def price_in_words(price: Price) -> str:
    """A price for people, with its date."""
    cached = price.cached if price.cached is not None else price.input
    return f"{price.input:g} in, {cached:g} cached, {price.output:g} out USD a million tokens ({price.date})"


def price_of(name: str, connection: ModelConnection) -> Price | None:
    """Gives the price of a model; None where nobody knows it. A local or recorded model costs nothing."""
    if connection.price is not None:
        return connection.price
    if name.startswith(("local:", "recorded:")):
        return Price(input=0.0, output=0.0, date="always")
    return known_prices().get(connection.model or name.partition(":")[2])


@cache
def known_prices() -> dict[str, Price]:
    """The table that comes with dikast."""
    return msgspec.convert(load_yaml(Path(__file__).parent / "prices.yaml"), dict[str, Price])
