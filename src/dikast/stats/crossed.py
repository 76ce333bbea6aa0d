"""Two raters' labels on the same items, and the counts that their figures share.

A pair has some fifteen figures. Of twenty judges with fifty thousand verdicts each there are 190 pairs, so what several
figures need is counted once.
"""

from __future__ import annotations

import msgspec
import numpy as np

from dikast.stats.ratings import TABLE_LEVELS, Floats, Ints, Marks, Scale


class Crossed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Two columns of codes without a `NULL`, item by item; codes are positions among ascending labels."""

    a: Ints
    b: Ints
    levels: int
    """Labels that there are codes for."""
    same: Marks
    of_a: Floats
    """How often a gave each label."""
    of_b: Floats
    below_a: Floats
    """For each label the share of a's that are below it, those with it counting half: a rank without the number of items."""
    below_b: Floats

    @classmethod
    def of(cls, a: Ints, b: Ints, levels: int) -> Crossed:
        of_a, of_b = (np.bincount(codes, minlength=levels).astype(np.float64) for codes in (a, b))
        below_a, below_b = ((np.cumsum(counts) - counts / 2) / max(1, len(a)) for counts in (of_a, of_b))
        return cls(a=a, b=b, levels=levels, same=a == b, of_a=of_a, of_b=of_b, below_a=below_a, below_b=below_b)

    @property
    def n(self) -> int:
        return len(self.a)

    @property
    def varies(self) -> bool:
        """Whether both sides do."""
        return bool(self.n) and self.of_a.max() < self.n and self.of_b.max() < self.n

    def table(self) -> Floats | None:
        """Counts of the labels that occur, ascending; None where that has far more cells than there are items."""
        used_a, used_b = self.of_a > 0, self.of_b > 0
        width_a, width_b = int(used_a.sum()), int(used_b.sum())
        if width_a * width_b > max(TABLE_LEVELS**2, 8 * self.n):
            return None
        cells = (np.cumsum(used_a) - 1)[self.a] * width_b + (np.cumsum(used_b) - 1)[self.b]
        return np.bincount(cells, minlength=width_a * width_b).reshape(width_a, width_b).astype(np.float64)


def crossed(a: Ints, b: Ints, scale: Scale) -> tuple[Crossed, Floats | None]:
    """Crosses two columns of a scale's codes, and gives what the codes are worth; None for texts.

    Where the scale has many more labels than the two used, codes are positions among those: a million different
    probabilities would else be a million counts for each pair of raters.
    """
    levels, values = len(scale.labels), scale.values
    if levels <= max(TABLE_LEVELS, len(a)):
        return Crossed.of(a, b, levels), values
    there = np.zeros(levels, dtype=np.bool_)
    there[a] = there[b] = True
    used = np.flatnonzero(there)
    place = np.empty(levels, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    dense = Crossed.of(place[a].astype(np.int64), place[b].astype(np.int64), len(used))
    return dense, None if values is None else values[used]
