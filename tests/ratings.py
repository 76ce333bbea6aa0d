"""Ratings for tests, from a table with a row an item and a column a rater; None is no row at all."""

from collections.abc import Sequence

import numpy as np

from dikast.stats.ratings import NULL, Ratings, Scale

NULL_VERDICT = "null"
"""In a table: a row without a label."""


def ratings_of(table: Sequence[Sequence[float | str | None]], labels: Sequence[float] | None = None) -> Ratings:
    given = sorted({x for row in table for x in row if isinstance(x, (int, float))}) if labels is None else list(labels)
    at = {label: code for code, label in enumerate(given)} | {NULL_VERDICT: NULL}
    rows = [(i, r, at[x]) for i, row in enumerate(table) for r, x in enumerate(row) if x is not None]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Ratings.of(
        Scale(labels=tuple(float(x) for x in given), values=np.array(given, dtype=np.float64)),
        tuple(f"r{at}" for at in range(max(map(len, table), default=0))),
        len(table),
        *(columns[:, at] for at in range(3)),
    )
