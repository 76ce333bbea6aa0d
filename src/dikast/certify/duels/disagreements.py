"""Chooses the pairs on which a preference judge and people disagree most.

A disagreement is a pair whose mean over both orders is on the other side than most people, whether one order trains or
both do; a tie of the judge is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from dikast.certify.certificate import Disagreement
from dikast.certify.disagreements import worst_first
from dikast.certify.duels.figures import PRECISE, right, sample_of
from dikast.certify.duels.questions import SIDES, Answers, Pair, name_of
from dikast.records import Verdict
from dikast.spec.judge import PREFERENCE


def worst_duels(pairs: Sequence[Pair], answers: Answers) -> tuple[Disagreement, ...]:
    """Gives them worst first; the reason is that of an order that went wrong, where the judge gives any."""
    return tuple(worst_first(_found(pairs, answers)))


def _found(pairs: Sequence[Pair], answers: Answers) -> Iterator[Disagreement]:
    for pair, chances in sample_of(pairs, answers).heard:
        value = round(fmean(chances), PRECISE)
        better = pair.a_is_better is True
        if right(value, better) == 0:
            said = [answers[pair.key, name_of(first)] for first in SIDES]
            wrong = [one for one, chance in zip(said, chances, strict=True) if right(chance, better) == 0]
            reasons = [one.reason for one in wrong if isinstance(one, Verdict) and one.reason]
            yield Disagreement(
                id=pair.key,
                item=None,
                criterion=PREFERENCE,
                people=dict(pair.votes),
                value=value,
                reason=reasons[0] if reasons else None,
            )
