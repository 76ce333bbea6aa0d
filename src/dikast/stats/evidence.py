"""Evidence that a judge changed, which may be looked at after every pass over its anchors: an e-value.

    test = DriftTest(noise=0.06)          # the rate at which an unchanged judge changes its verdicts, at the most
    test = test.after([False, True, ...]) # which of the anchors' verdicts differ from the ones that were kept
    test.word                             # "drifted", of an unchanged judge in at most 1 stream of 100

A rolling z-test would alarm on most streams sooner or later; this one may be watched for ever (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

STEPS = (0.03, 0.07, 0.15, 0.35)
"""Rises of the change rate that are bet on, a quarter of the stake each. Judgement: a drop of ten points costs some
ten points of changes, and a swapped model a third."""
CAUTION = 10.0
ALARM = 100.0
_LARGEST = 700.0
"""Of the logarithm: a JSON file has no word for more than a float holds."""

Word = Literal["unchanged", "cautious", "drifted"]


class DriftTest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known so far of one criterion's drift on a fixed set of anchors. Each use gives a new one.

    For each step s a stake is multiplied, anchor by anchor, by (q + s)/q where the verdict changed and by
    (1 - q - s)/(1 - q) where not, with q the `noise`. Where an anchor has several verdicts of one reply, which need not
    be independent, their mean is one outcome, and the factor lies as far between. Let an unchanged judge change
    anchor i with probability q_i, of mean at most q. The factors are linear in the outcome, so that their
    product over the set has mean at most prod(1 + c (q_i - q)) <= (1 + c (mean - q))^n <= 1: it is an e-value after
    each whole pass, however different the anchors are, and over any number of passes.

    A stake that was laid before a long calm is lost when the change comes. Therefore 1/(k (k + 1)) of the whole is laid
    in pass k, and what is left waits: a mean of e-values is one, and after ten calm passes it costs a factor of 66 only.
    """

    noise: float
    """Share in 0..1, exclusive: an upper bound of the change rate of a judge that is the same."""
    stakes: tuple[float, ...] = ()
    """Natural logarithms, one for each step; none before the first pass."""
    passes: int = 0
    outcomes: int = 0
    changed: float = 0.0
    """The sum of the outcomes."""
    highest: float = 1.0
    """The largest e-value at the end of a pass: what was proven once stays proven."""

    def __post_init__(self) -> None:
        if not 0 < self.noise < 1:
            raise ValueError(f"noise {self.noise} is no rate between 0 and 1")

    @property
    def e(self) -> float:
        """How much likelier than under no change, as far as a float holds it."""
        laid = [stake - math.log(len(STEPS)) for stake in self.stakes]
        return math.exp(min(_log_sum(*laid, -math.log(self.passes + 1)), _LARGEST))

    @property
    def word(self) -> Word:
        """What is known, in one word: `cautious` while the e-value is above 10, `drifted` for ever once it was above 100."""
        if self.highest >= ALARM:
            return "drifted"
        return "cautious" if self.e >= CAUTION else "unchanged"

    def after(self, changed: Iterable[float]) -> DriftTest:
        """The evidence with a pass counted in; its order does not matter, and it is looked at once, at its end.

        An outcome is whether an anchor's verdict changed, or the share of its verdicts that did. Where all anchors are
        alike, each may be a pass of its own.
        """
        outcomes = [float(one) for one in changed]
        number = self.passes + 1
        laid_now = -math.log(number * (number + 1))
        stakes = tuple(
            _log_sum(stake, laid_now) + math.fsum(math.log(self._factor(rate, one)) for one in outcomes)
            for stake, rate in zip(self.stakes or (-math.inf,) * len(STEPS), self._rates(), strict=True)
        )
        grown = msgspec.structs.replace(
            self,
            stakes=stakes,
            passes=number,
            outcomes=self.outcomes + len(outcomes),
            changed=self.changed + math.fsum(outcomes),
        )
        return msgspec.structs.replace(grown, highest=max(self.highest, grown.e))

    def _factor(self, rate: float, changed: float) -> float:
        return changed * rate / self.noise + (1 - changed) * (1 - rate) / (1 - self.noise)

    def _rates(self) -> tuple[float, ...]:
        # A rate of 1 would lose its whole stake on the first verdict that stays.
        return tuple(min(self.noise + step, (1 + self.noise) / 2) for step in STEPS)


def _log_sum(*logs: float) -> float:
    """The logarithm of the sum of what these are logarithms of."""
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs))
