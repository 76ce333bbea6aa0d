"""Finds, rater by rater, the verdicts on the same item in several orders and repeats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dikast.agree.verdicts import Verdicts
from dikast.stats.again import Position, Repeats, position, repeats
from dikast.stats.ratings import NULL, Ints, listed


def positions(verdicts: Verdicts, truth: Ints | None, *, drop_null: bool) -> dict[str, Position] | None:
    """The figures of each rater that judged items in several orders; of repeats the first."""
    found: dict[str, Position] = {}
    for name, rows in _by_rater(verdicts, np.flatnonzero(verdicts.order != NULL)):
        orders = np.unique(verdicts.order[rows])
        if len(orders) < 2:
            continue
        whole = _in_every_order(verdicts, rows, len(orders))
        result = position(
            verdicts.scale,
            [verdicts.orders[at] for at in listed(orders)],
            verdicts.label[whole],
            None if truth is None else truth[verdicts.item[whole[:, 0]]],
            drop_null=drop_null,
        )
        if result is not None:
            found[name] = result
    return found or None


def all_repeats(verdicts: Verdicts) -> dict[str, Repeats] | None:
    """The figures of each rater that was asked the same twice, in the same order."""
    if (verdicts.repeat == NULL).all():
        return None
    found: dict[str, Repeats] = {}
    for name, rows in _by_rater(verdicts, np.arange(len(verdicts.rater))):
        question = verdicts.item[rows] * (len(verdicts.orders) + 1) + verdicts.order[rows] + 1
        result = repeats(verdicts.item[rows], question, verdicts.label[rows])
        if result is not None:
            found[name] = result
    return found or None


def _in_every_order(verdicts: Verdicts, rows: Ints, orders: int) -> Ints:
    """The rows of the items that were judged in every order, a line an item and a column an order; of repeats the first."""
    sorted_rows = rows[np.lexsort((verdicts.repeat[rows], verdicts.order[rows], verdicts.item[rows]))]
    key = verdicts.item[sorted_rows] * len(verdicts.orders) + verdicts.order[sorted_rows]
    first = sorted_rows[np.append(True, key[1:] != key[:-1])]
    item = verdicts.item[first]
    return first[np.bincount(item, minlength=verdicts.items)[item] == orders].reshape(-1, orders)


def _by_rater(verdicts: Verdicts, rows: Ints) -> Iterator[tuple[str, Ints]]:
    """Gives each rater that has some of the rows, with those."""
    ordered = rows[np.argsort(verdicts.rater[rows], kind="stable")]
    raters, starts = np.unique(verdicts.rater[ordered], return_index=True)
    for rater, own in zip(listed(raters), np.split(ordered, starts)[1:], strict=True):
        yield verdicts.raters[rater], own
