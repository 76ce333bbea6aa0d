"""Says in sentences what was measured of a preference judge beside the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dikast.certify.certificate import PreferenceFigures
from dikast.stats.intervals import Interval


def about_duels(name: str, pairs: int, figures: PreferenceFigures, cell: Callable[[Interval], str]) -> Iterator[str]:
    """What is certified, how often it is right, and what place does; `cell` writes a figure with its bounds."""
    trains = "the mean of both orders" if figures.swap else "one order at random"
    yield f"{name}: {trains} trains, and prefers what people do in {cell(figures.accuracy)} of {pairs} pairs"
    orders = ", ".join(f"{cell(right)} with {order.replace('_', ' ')}" for order, right in figures.by_order.items())
    yield f"{name}: right in {orders}, {cell(figures.both_orders)} by the mean of both"
    yield (
        f"{name}: the same winner in both orders in {cell(figures.consistency)} of {figures.consistency.n} pairs, "
        f"the first shown in {cell(figures.first_place)} of the answers; a yes is that a is better"
    )
    if figures.tuning.value is not None:
        yield f"{name}: on the tuning part right in {cell(figures.tuning)} of {figures.tuning.n} pairs"
