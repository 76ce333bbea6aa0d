"""Best of k: what the best of k samples is worth, from n of them.

The mean over all ways to choose k of the n samples, so it is unbiased for the best of k fresh ones. It
still flatters where the measure that picks is the measure that counts: pick by one, count by another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby


def expected_best(ranks: Sequence[float], worth: Sequence[float], k: int) -> float | None:
    """Gives the mean worth of the sample that ranks highest among k; None with fewer than k samples.

    Samples of equal rank share what falls to them: which of them is picked is left to chance.
    """
    n = len(ranks)
    if k < 1:
        raise ValueError(f"best of {k} is nothing")
    if n < k:
        return None
    ordered = sorted(zip(ranks, worth, strict=True), key=lambda pair: pair[0])
    total, place = 0.0, 0
    for _, equals in groupby(ordered, key=lambda pair: pair[0]):
        block = [value for _, value in equals]
        # How many choices have their best here: those from the first `place + len(block)`, less those below.
        choices = math.comb(place + len(block), k) - math.comb(place, k)
        total += choices / math.comb(n, k) * math.fsum(block) / len(block)
        place += len(block)
    return total
