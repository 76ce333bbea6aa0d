"""McNemar's exact test: whether pairs changed more in one direction than in the other."""

from __future__ import annotations


def mcnemar(worse: int, better: int) -> float:
    """The two-sided p of so many changes each way, were both ways equally likely; 1 where nothing changed."""
    from scipy.stats import binomtest  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  scipy has no types

    if worse + better == 0:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5).pvalue)
