"""How far probabilities can be taken at their word: Brier score, log loss, calibration error, the reliability curve."""

from __future__ import annotations

import msgspec
import numpy as np

from dikast.stats.intervals import Interval, unknown, wilson, within
from dikast.stats.ratings import Floats, Marks, sums
from dikast.stats.resampling import bootstrap_counts
from dikast.stats.shares import by_t

BINS = 10
"""Of equal width."""
LEAST = 1e-6
"""A probability is taken for no less from 0 or 1 in the log loss, which one confident error would make infinite."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """One bin of the reliability curve."""

    low: float
    high: float
    said: float
    """The mean probability in it."""
    true: Interval
    """The share that really is a yes; n counts the verdicts in the bin."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A rater's probabilities against what is true."""

    n: int
    base_rate: float | None
    """The share of yes: Brier's score of always saying it is base_rate (1 − base_rate)."""
    brier: Interval
    log_loss: Interval
    ece: Interval
    """The mean distance between what was said and what is true, over the bins by their size. The sample's own noise
    raises it, the more the fewer verdicts a bin has."""
    curve: tuple[Bin, ...]


def calibration(said: Floats, true: Marks, *, seed: int = 0) -> Calibration:
    """Compares probabilities with the truth."""
    if not len(said):
        return Calibration(n=0, base_rate=None, brier=unknown(), log_loss=unknown(), ece=unknown(), curve=())
    held = np.clip(said, LEAST, 1 - LEAST)
    at = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    return Calibration(
        n=len(said),
        base_rate=float(true.mean()),
        brier=within(by_t((said - true) ** 2), 0, 1),
        log_loss=within(by_t(-np.log(np.where(true, held, 1 - held))), 0),
        ece=_error(said, true, seed=seed),
        curve=tuple(
            Bin(
                low=one / BINS,
                high=(one + 1) / BINS,
                said=float(said[at == one].mean()),
                true=wilson(int(true[at == one].sum()), int((at == one).sum())),
            )
            for one in np.unique(at).tolist()
        ),
    )


def _error(said: Floats, true: Marks, *, seed: int) -> Interval:
    """The expected calibration error; its bootstrap draws among the distinct verdicts, to a thousandth."""
    # Only what a bin sums matters, so verdicts that differ by less than a thousandth may stand for each other.
    fine = np.minimum((said * 1000).astype(np.int64), 999)
    kinds, of_kind, counts = np.unique(fine * 2 + true, return_inverse=True, return_counts=True)
    mean = sums(of_kind.astype(np.int64), said, len(kinds)) / counts
    bins = np.eye(BINS)[np.minimum(kinds // 2 * BINS // 1000, BINS - 1)]
    gap = bins * (mean - kinds % 2)[:, None]

    def figure(drawn: Floats) -> Floats:
        return np.abs(drawn @ gap).sum(axis=1) / drawn.sum(axis=1)

    return bootstrap_counts(counts.astype(np.int64), figure, seed=seed)
