"""Says which labels a criterion lacks before anything can be said of it, and what to label next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dikast.certify.certificate import Wanted
from dikast.certify.labels import TUNING_SHARE, Split
from dikast.certify.questions import Unit

MOST_NAMED = 20


def wanted_of(at_hand: Sequence[str], split: Split, *, yes: int, no: int, least: int) -> Wanted | None:
    """What is missing of the untouched part, where `yes` and `no` are labelled and `least` of each are needed.

    `at_hand` are the rows of that part which people have not answered yet, or not alike: they come first. How many more
    it takes is estimated from the share of the rarer answer, and from the share of new groups that go to the tuning part.
    """
    missing = {True: max(0, least - yes), False: max(0, least - no)}
    if not any(missing.values()):
        return None
    # One more of each is taken to be there: a class that nobody has seen yet is rare, and not impossible.
    shares = {True: (yes + 1) / (yes + no + 2), False: (no + 1) / (yes + no + 2)}
    needed = max(math.ceil(missing[answer] / shares[answer]) for answer in missing)
    untouched = 1.0 if split.by == "file" else 1 - TUNING_SHARE
    return Wanted(
        yes=missing[True],
        no=missing[False],
        first=tuple(at_hand[:MOST_NAMED]),
        first_of=len(at_hand),
        new=math.ceil(max(0, needed - len(at_hand)) / untouched),
    )


def undecided(criterion: str, units: Iterable[Unit]) -> list[str]:
    """The untouched units that come before the judge, and of which people have not said yes, no or n/a together."""
    return [
        unit.key.removesuffix("#")
        for unit in units
        if not (unit.tuning or unit.gate) and unit.truth.get(criterion) is None
    ]


def in_words(wanted: Wanted, labels: str | None) -> str:
    """What to do about it, as one clause; `labels` is the file that `dikast review` opens, None for pairs, which it does not."""
    missing = f"{wanted.yes} yes and {wanted.no} no are missing"
    steps: list[str] = []
    if wanted.first:
        named = ", ".join(wanted.first) + (f" and {wanted.first_of - len(wanted.first)} more" * _cut(wanted))
        steps.append(f"the rows {named}, which are there and undecided")
    if wanted.new:
        steps.append(f"about {wanted.new} {'rollouts' if labels else 'pairs'} of new prompts")
    return f"{missing}; label {', then '.join(steps)}" + (f": dikast review {labels}" if labels else "")


def _cut(wanted: Wanted) -> bool:
    return wanted.first_of > len(wanted.first)
