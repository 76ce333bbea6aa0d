"""Verdicts as numbers: who gave which label to which item, in arrays that every figure of agreement starts from.

    Scale      the labels of a criterion, and what they are worth where they are numbers
    Ratings    one label for each rater and item, ragged: nobody has to have rated everything
    Tallies    how often each label was given to each item

A verdict that could not be had is `NULL`: a row without a label. No function here takes it for one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = NDArray[np.bool_]
Label: TypeAlias = bool | float | str

NULL = -1
"""The code of a verdict that could not be had."""
ABSENT = -2
"""The code of no row at all."""
TABLE_LEVELS = 64
"""Labels up to which a table of counts is made."""


def sums(at: Ints, weights: NDArray[np.generic], size: int) -> Floats:
    """Adds up the weights that fall to each position."""
    return np.bincount(at, weights=weights.astype(np.float64), minlength=size).astype(np.float64)


def dot(x: Floats, y: Floats) -> float:
    """Adds up the products. `@` would spread that over threads, which then wait for each other longer than it takes."""
    return float((x * y).sum())


def listed(codes: Ints) -> list[int]:
    """Codes as plain numbers."""
    return [int(code) for code in codes]


class Scale(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The labels of a criterion, in order; a verdict's code is its label's position."""

    labels: tuple[Label, ...]
    values: Floats | None
    """What the labels are worth, ascending; None where they are texts, which have no order that is known."""

    @property
    def span(self) -> float:
        """From the least label to the greatest."""
        return 0.0 if self.values is None or not len(self.values) else float(self.values[-1] - self.values[0])

    @property
    def binary(self) -> bool:
        """Whether all labels are 0 and 1, or false and true."""
        return self.values is not None and bool(np.isin(self.values, (0.0, 1.0)).all())


class Ratings(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One verdict for each rater and item, rater by rater and in the order of the items."""

    items: int
    raters: tuple[str, ...]
    scale: Scale
    item: Ints
    rater: Ints
    label: Ints

    @classmethod
    def of(cls, scale: Scale, raters: tuple[str, ...], items: int, item: Ints, rater: Ints, label: Ints) -> Ratings:
        """Puts the rows, one for each rater and item, in order."""
        order = np.argsort(rater * items + item, kind="stable")
        return cls(items=items, raters=raters, scale=scale, item=item[order], rater=rater[order], label=label[order])

    def by(self, rater: int) -> tuple[Ints, Ints]:
        """Gives the items that a rater has rows for, and the labels."""
        start, end = np.searchsorted(self.rater, (rater, rater + 1))
        return self.item[start:end], self.label[start:end]

    def spread(self, rater: int) -> Ints:
        """Gives a rater's label for every item, `ABSENT` where there is no row."""
        spread = np.full(self.items, ABSENT, dtype=np.int64)
        items, labels = self.by(rater)
        spread[items] = labels
        return spread

    def among(self, raters: Collection[int]) -> Ratings:
        """The rows of some raters only; the codes stay."""
        kept = np.isin(self.rater, np.fromiter(raters, dtype=np.int64))
        return self._where(kept)

    def decided(self) -> Ratings:
        """The rows that have a label."""
        return self._where(self.label != NULL)

    def _where(self, kept: Marks) -> Ratings:
        return Ratings(
            items=self.items,
            raters=self.raters,
            scale=self.scale,
            item=self.item[kept],
            rater=self.rater[kept],
            label=self.label[kept],
        )


class Tallies(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How often each item got each label: one entry for each label that an item got, in the order of the items."""

    items: int
    levels: int
    item: Ints
    label: Ints
    count: Ints
    of_item: Ints
    """Labels of each item, by item."""

    @classmethod
    def of(cls, ratings: Ratings) -> Tallies:
        """Counts the verdicts that have a label."""
        decided = ratings.decided()
        levels = max(1, len(ratings.scale.labels))
        keys, counts = np.unique(decided.item * levels + decided.label, return_counts=True)
        return cls(
            items=ratings.items,
            levels=levels,
            item=keys // levels,
            label=keys % levels,
            count=counts.astype(np.int64),
            of_item=np.bincount(decided.item, minlength=ratings.items).astype(np.int64),
        )

    def entry_of(self, item: Ints, label: Ints) -> Ints:
        """Gives the position of the entry of each item and label, -1 where the item never got it."""
        if not len(self.item):
            return np.full(len(item), -1, dtype=np.int64)
        keys = self.item * self.levels + self.label
        wanted = item * self.levels + label
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((keys[at] == wanted) & (label >= 0), at, -1)

    def count_of(self, item: Ints, label: Ints) -> Ints:
        """Gives how often each item got each label."""
        at = self.entry_of(item, label)
        if not len(self.count):
            return np.zeros(len(item), dtype=np.int64)
        return np.where(at >= 0, self.count[at], 0)

    def most(self) -> Ints:
        """Gives the count of each item's most frequent label, 0 without one."""
        most = np.zeros(self.items, dtype=np.int64)
        np.maximum.at(most, self.item, self.count)
        return most

    def per_item(self, marked: Marks) -> Ints:
        """Counts each item's marked entries."""
        return np.bincount(self.item[marked], minlength=self.items).astype(np.int64)

    def modes(self) -> Ints:
        """Gives each item's most frequent label; `NULL` where two are as frequent, or none was given."""
        most = self.most()
        top = self.count == most[self.item]
        modes = np.full(self.items, NULL, dtype=np.int64)
        modes[self.item[top]] = self.label[top]
        modes[self.per_item(top) != 1] = NULL
        return modes
