"""A criterion's verdicts: every one that the file holds, and those that count where one label a rater and item is wanted.

    for verdicts in by_criterion(read_columns(path)):
        counted = count(verdicts)

Rows that say the same about the same question twice count once. Rows that say different things about it count
nowhere: which of them is meant is not for us to choose, and their mean is nobody's verdict. Of several repeats or
orders the first counts (numbers by size, texts by letters), as one verdict is what a judge gives in use; the others
are in the figures about repeats and position.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from dikast.agree.columns import Column, Columns
from dikast.agree.labels import Kind, Meaning, meaning, scale_of
from dikast.errors import DataError
from dikast.stats.ratings import NULL, Ints, Marks, Ratings, Scale, listed

_ROOM = 2**62


class Verdicts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All rows of one criterion, as codes."""

    path: Path
    criterion: str | None
    kind: Kind
    scale: Scale
    names: Column
    """The items' names, by the codes in `names.codes`."""
    raters: tuple[str, ...]
    orders: tuple[str, ...]
    """By code; a row without an order has `NULL`."""
    items: int
    line: Ints
    item: Ints
    rater: Ints
    label: Ints
    repeat: Ints
    """`NULL` for a row without."""
    order: Ints

    def name_of(self, row: int) -> str:
        """The name of a row's item."""
        return str(self.names.seen[int(self.names.codes[row])])


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """One question that the same rater answered in different ways, without a repeat or an order that tells them apart."""

    rater: str
    item: str
    lines: tuple[int, ...]


class Counted(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What counts of a criterion's verdicts."""

    verdicts: Verdicts
    """The rows that are left: no question twice."""
    ratings: Ratings
    duplicates: int
    """Rows that repeat another to the letter."""
    conflicts: int
    """Questions with different verdicts, which count nowhere."""
    examples: tuple[Conflict, ...]
    further: int
    """Rows of further repeats and orders, which only the figures about these use."""


def by_criterion(columns: Columns, *, nominal: bool = False) -> Iterator[Verdicts]:
    """Splits a file by criterion, by name. Raises `DataError` where a label can be none, or only some rows name a criterion."""
    meanings = _meanings(columns)
    criteria = _Named(columns.criterion)
    if None in criteria.names and len(criteria.names) > 1:
        row = int(np.flatnonzero(criteria.codes == NULL)[0])
        raise DataError(
            f"{columns.path}:{columns.line[row]}: no criterion, which other rows have; give it to all rows or to none"
        )
    item = _Named(columns.item, sort=False)
    rater, repeat, order = _Named(columns.rater), _Named(columns.repeat), _Named(columns.order)
    by_name = np.argsort(criteria.codes, kind="stable") if len(criteria.names) > 1 else np.arange(len(columns.line))
    ends = np.cumsum(np.bincount(criteria.codes - min(0, criteria.codes.min())))
    for name, rows in zip(criteria.names, np.split(by_name, ends[:-1]), strict=True):
        labels, label = np.unique(columns.label.codes[rows], return_inverse=True)
        kind, scale, codes = scale_of([meanings[at] for at in listed(labels)], nominal=nominal)
        items, of_item = np.unique(item.codes[rows], return_inverse=True)
        raters, of_rater = np.unique(rater.codes[rows], return_inverse=True)
        yield Verdicts(
            path=columns.path,
            criterion=name,
            kind=kind,
            scale=scale,
            names=Column(seen=columns.item.seen, codes=columns.item.codes[rows]),
            raters=tuple(str(rater.names[at]) for at in listed(raters)),
            orders=tuple(one for one in order.names if one is not None),
            items=len(items),
            line=columns.line[rows],
            item=of_item.astype(np.int64),
            rater=of_rater.astype(np.int64),
            label=codes[label],
            repeat=repeat.codes[rows],
            order=order.codes[rows],
        )


def count(verdicts: Verdicts) -> Counted:
    """Finds what counts."""
    cell = verdicts.rater * verdicts.items + verdicts.item
    question = _together(_together(cell, verdicts.order + 1), verdicts.repeat + 1)
    order = np.lexsort((verdicts.label, question))
    question, label = question[order], verdicts.label[order]
    first = np.append(True, question[1:] != question[:-1])
    at = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(order)) - 1
    differ = label[starts] != label[ends]
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[first & ~differ[at]]] = True
    left = _rows(verdicts, kept)
    chosen = _first_of_each(left)
    return Counted(
        verdicts=left,
        ratings=Ratings.of(
            left.scale, left.raters, left.items, left.item[chosen], left.rater[chosen], left.label[chosen]
        ),
        duplicates=int((~first & ~differ[at]).sum()),
        conflicts=int(differ.sum()),
        examples=tuple(
            _conflict(verdicts, order[starts[one] : ends[one] + 1]) for one in listed(np.flatnonzero(differ)[:3])
        ),
        further=len(left.item) - len(chosen),
    )


def _first_of_each(verdicts: Verdicts) -> Ints:
    """The rows of each rater's first order and repeat of each item."""
    cell = verdicts.rater * verdicts.items + verdicts.item
    order = np.lexsort((verdicts.repeat, verdicts.order, cell))
    cell = cell[order]
    return order[np.append(True, cell[1:] != cell[:-1])] if len(cell) else order


def _rows(verdicts: Verdicts, kept: Marks) -> Verdicts:
    return msgspec.structs.replace(
        verdicts,
        names=Column(seen=verdicts.names.seen, codes=verdicts.names.codes[kept]),
        line=verdicts.line[kept],
        item=verdicts.item[kept],
        rater=verdicts.rater[kept],
        label=verdicts.label[kept],
        repeat=verdicts.repeat[kept],
        order=verdicts.order[kept],
    )


def _conflict(verdicts: Verdicts, rows: Ints) -> Conflict:
    rows = np.sort(rows)
    return Conflict(
        rater=verdicts.raters[verdicts.rater[rows[0]]],
        item=verdicts.name_of(int(rows[0])),
        lines=tuple(listed(verdicts.line[rows])),
    )


def _together(one: Ints, other: Ints) -> Ints:
    """One code for two, made dense where the product would not fit."""
    width = int(other.max(initial=0)) + 1
    if int(one.max(initial=0)) >= _ROOM // width:
        one = np.unique(one, return_inverse=True)[1].astype(np.int64)
    return one * width + other


def _meanings(columns: Columns) -> list[Meaning]:
    made: list[Meaning] = []
    for code, raw in enumerate(columns.label.seen):
        try:
            made.append(meaning(raw))
        except ValueError as error:
            row = int(np.flatnonzero(columns.label.codes == code)[0])
            raise DataError(f"{columns.path}:{columns.line[row]}: {error}") from None
    return made


class _Named:
    """A column's names, in order, with the codes to match; 1 and "1" are one name, and no name is `NULL`."""

    def __init__(self, column: Column, *, sort: bool = True) -> None:
        texts = [None if name is None else str(name) for name in column.seen]
        self.names: list[str | None] = list(dict.fromkeys(texts))
        if sort:
            self.names.sort(key=_place)
        real = [name for name in self.names if name is not None]
        at: dict[str | None, int] = {None: NULL} | {name: code for code, name in enumerate(real)}
        self.codes = np.array([at[text] for text in texts], dtype=np.int64)[column.codes]


def _place(name: str | None) -> tuple[int, float, str]:
    """No name first, then numbers by size, then texts."""
    if name is None:
        return 0, 0.0, ""
    try:
        return (1, float(name), name) if len(name) < 20 and name.lstrip("+-")[:1].isdigit() else (2, 0.0, name)
    except ValueError:
        return 2, 0.0, name
