"""One rater with itself: the same item asked again, and asked with the candidates in another order.

Here a verdict that could not be had is a verdict: a judge that answers once and fails once has changed its answer,
and one that fails both times has not.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dikast.stats.crossed import crossed
from dikast.stats.intervals import Interval, unknown, wilson
from dikast.stats.pairs import nominal
from dikast.stats.ratings import NULL, TABLE_LEVELS, Floats, Ints, Label, Scale, sums
from dikast.stats.shares import share


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """How one rater's verdicts on the same question, asked several times, hang together; bounds take items as units."""

    n: int
    """Questions that were asked twice or more; an item in several orders is one in each."""
    verdicts: int
    modal_share: Interval
    """The mean share of a question's most frequent verdict."""
    flip_rate: Interval
    """The chance that two verdicts on one question differ, in the mean over the questions."""
    unanimous: Interval
    """Share of the questions on which all verdicts are the same."""
    null: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How one rater's verdicts hold when the candidates change places. A label names a candidate, not a place."""

    orders: tuple[str, ...]
    n: int
    """Items that were judged in every order."""
    consistency: Interval
    """Share of them with the same verdict in every order."""
    kappa: Interval | None
    """Cohen's, between two orders, over the items with a label in both; None for more than two orders."""
    first_place: Interval | None
    """Share of the labels that name the candidate shown first: 0.5 where place does not matter. None where `order` does
    not say which candidate that is."""
    accuracy: dict[str, Interval] | None
    """By order, against gold; None without gold."""
    accuracy_mean: Interval | None
    accuracy_all: Interval | None
    """Share of the items that are right in every order."""
    null: int


def repeats(item: Ints, question: Ints, label: Ints) -> Repeats | None:
    """One rater's verdicts by question, each about one item; None where nothing was asked twice."""
    _, first, question = np.unique(question, return_index=True, return_inverse=True)
    levels = int(label.max(initial=0)) + 2
    keys, counts = np.unique(question * levels + label + 1, return_counts=True)
    of_key = keys // levels
    asked = np.bincount(question)
    again = asked > 1
    if not again.any():
        return None
    m = asked[again].astype(np.float64)
    most = np.zeros(len(asked), dtype=np.int64)
    np.maximum.at(most, of_key, counts)
    same = sums(of_key, counts * (counts - 1.0), len(asked))[again] / (m * (m - 1))
    unit = np.unique(item[first][again], return_inverse=True)[1].astype(np.int64)
    of_unit = np.bincount(unit).astype(np.float64)

    def by_item(shares: Floats) -> Interval:
        return share(sums(unit, shares, len(of_unit)), of_unit)

    return Repeats(
        n=int(again.sum()),
        verdicts=int(asked[again].sum()),
        modal_share=by_item(most[again] / m),
        flip_rate=by_item(1 - same),
        unanimous=by_item((most == asked)[again].astype(np.float64)),
        null=int((label[again[question]] == NULL).sum()),
    )


def position(
    scale: Scale, orders: Sequence[str], table: Ints, truth: Ints | None, *, drop_null: bool
) -> Position | None:
    """One rater's verdicts, a row an item and a column an order; None without an item in every order.

    `truth` is a code for each row, below 0 where there is none.
    """
    if not len(table) or len(orders) < 2:
        return None
    decided = (table >= 0).all(axis=1)
    kappa = None
    if len(orders) == 2:
        found = nominal(crossed(table[decided, 0], table[decided, 1], scale)[0], len(scale.labels))
        kappa = found.get("cohen_kappa", unknown())
    by_order = both = mean = None
    if truth is not None:
        by_order, mean, both = _accuracy(orders, table, truth, drop_null=drop_null)
    return Position(
        orders=tuple(orders),
        n=len(table),
        consistency=wilson(int((table == table[:, :1]).all(axis=1).sum()), len(table)),
        kappa=kappa,
        first_place=_first_place(scale, orders, table),
        accuracy=by_order,
        accuracy_mean=mean,
        accuracy_all=both,
        null=int((table == NULL).sum()),
    )


def _accuracy(
    orders: Sequence[str], table: Ints, truth: Ints, *, drop_null: bool
) -> tuple[dict[str, Interval], Interval, Interval]:
    known = truth >= 0
    table, truth = table[known], truth[known]
    right, asked = table == truth[:, None], (table != NULL) if drop_null else np.ones(table.shape, dtype=np.bool_)
    by_order = {name: wilson(int(right[:, at].sum()), int(asked[:, at].sum())) for at, name in enumerate(orders)}
    some = asked.any(axis=1)
    every = right.all(axis=1) & asked.all(axis=1)
    mean = share(right.sum(axis=1)[some].astype(np.float64), asked.sum(axis=1)[some].astype(np.float64))
    return by_order, mean, wilson(int(every.sum()), int(asked.all(axis=1).sum()))


def _first_place(scale: Scale, orders: Sequence[str], table: Ints) -> Interval | None:
    """How often the label is the candidate that was shown first, with items as the independent units."""
    first = first_shown(scale.labels, orders)
    if first is None:
        return None
    shown: Ints = np.asarray(first, dtype=np.int64)
    # A tie names no candidate, so only labels that some order shows first are counted.
    named = np.isin(table, shown)
    tops, bottoms = ((table == shown) & named).sum(axis=1), named.sum(axis=1)
    some = bottoms > 0
    tops_f: Floats = tops[some].astype(np.float64)
    return share(tops_f, bottoms[some].astype(np.float64))


def first_shown(labels: Sequence[Label], orders: Sequence[str]) -> list[int] | None:
    """The code of the candidate that each order shows first; None where an order does not say.

    An order says so when it is that candidate's label, or two labels one behind the other: `a`, `ab`, `b,a`, `2-1`;
    capital letters count where labels differ in nothing else.
    """
    if len(labels) > TABLE_LEVELS:
        return None
    texts = [_text(label) for label in labels]
    if len({text.casefold() for text in texts}) == len(texts):
        texts, orders = [text.casefold() for text in texts], [order.casefold() for order in orders]
    found: list[int] = []
    for order in orders:
        fits = [
            at
            for at, text in enumerate(texts)
            if order == text or (order.startswith(text) and order[len(text) :].lstrip(" ,;:<>/|-_") in texts)
        ]
        if len(fits) != 1:
            return None
        found += fits
    return found if len(set(found)) > 1 else None


def _text(label: Label) -> str:
    if isinstance(label, bool):
        return str(label).lower()
    return label if isinstance(label, str) else f"{label:g}"
