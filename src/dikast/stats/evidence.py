"""Evidence that a judge changed, which may be looked at after every verdict: an e-value.

    test = DriftTest(noise=0.06)          # the rate at which an unchanged judge changes its verdicts, at the most
    test = test.after([False, True, ...]) # which of the anchors' verdicts differ from the ones that were kept
    test.e >= 100                         # an unchanged judge gets there in at most 1 stream of 100

A rolling z-test would alarm on most streams sooner or later; this one may be watched for ever (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

STEPS = (0.03, 0.07, 0.15, 0.35)
"""Rises of the change rate that are bet on, a quarter of the stake each. Judgement: a drop of ten points costs some
ten points of changes, and a swapped model a third."""
CAUTION = 10.0
ALARM = 100.0


class DriftTest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known so far of one criterion's drift on a fixed set of anchors. Each use gives a new one.

    For each step s the stake is multiplied, verdict by verdict, by (q + s)/q where the verdict changed and by
    (1 - q - s)/(1 - q) where not, with q the `noise`; the e-value is the mean of the stakes. Let an unchanged judge
    change anchor i with probability q_i, of mean at most q. The factors are linear in the outcome, so that their
    product over the set has mean at most prod(1 + c (q_i - q)) <= (1 + c (mean - q))^n <= 1: it is an e-value after
    each whole pass, however different the anchors are, and over any number of passes.
    """

    noise: float
    """Share in 0..1, exclusive: an upper bound of the change rate of a judge that is the same."""
    stakes: tuple[float, ...] = (0.0,) * len(STEPS)
    """Natural logarithms."""
    verdicts: int = 0
    changed: int = 0
    highest: float = 1.0
    """The largest e-value so far: what was proven once stays proven."""

    def __post_init__(self) -> None:
        if not 0 < self.noise < 1:
            raise ValueError(f"noise {self.noise} is no rate between 0 and 1")

    @property
    def e(self) -> float:
        """How much likelier than under no change; infinite where that is more than a float holds."""
        top = max(self.stakes)
        log = top + math.log(math.fsum(math.exp(stake - top) for stake in self.stakes) / len(self.stakes))
        return math.exp(log) if log < 700 else math.inf

    def after(self, changed: Iterable[bool]) -> DriftTest:
        """The evidence with these verdicts counted in, in their order."""
        test = self
        for one in changed:
            test = test._after(one)
        return test

    def _after(self, changed: bool) -> DriftTest:
        stakes = tuple(
            stake + (math.log(rate / self.noise) if changed else math.log((1 - rate) / (1 - self.noise)))
            for stake, rate in zip(self.stakes, self._rates(), strict=True)
        )
        grown = msgspec.structs.replace(
            self, stakes=stakes, verdicts=self.verdicts + 1, changed=self.changed + int(changed)
        )
        return msgspec.structs.replace(grown, highest=max(self.highest, grown.e))

    def _rates(self) -> tuple[float, ...]:
        # A rate of 1 would lose its whole stake on the first verdict that stays.
        return tuple(min(self.noise + step, (1 + self.noise) / 2) for step in STEPS)
