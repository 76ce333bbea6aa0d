"""In which order units are labelled: half are drawn at random, half are those on which judges are unsure or disagree. Pure.

A coin of each unit's own, drawn by the seed, says in which half it is. The random half is taken in a random order, so
what is labelled of it is at any moment a random sample of all units, whatever the judge thinks of them: only these may
feed a correction of the judge's figures. A unit of the other half never counts as drawn, even where it is labelled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Drawn = Literal["random", "unsure"]


class Place(NamedTuple):
    """One unit's place in the order, and why it has it."""

    key: str
    drawn: Drawn


def ordered(doubts: Mapping[str, float | None], *, seed: int, begun: bool = False) -> list[Place]:
    """Orders units by key; `doubts` says how unsure the judges are of each, 0..1, None where nobody was asked.

    Where no judge is in doubt about anything there is nothing to choose by, and all are drawn at random; unless units
    were labelled because of a doubt before (`begun`), which left a half that is no random sample any more. The halves
    take turns, and which comes first in each pair is drawn too: the place tells an annotator nothing.
    """
    shuffled = sorted(doubts, key=lambda key: _draw(seed, "order", key))
    if not begun and not any(doubts.values()):
        return [Place(key, "random") for key in shuffled]
    drawn = [Place(key, "random") for key in shuffled if _coin(seed, "half", key)]
    unsure = [Place(key, "unsure") for key in shuffled if not _coin(seed, "half", key)]
    unsure.sort(key=lambda place: -(doubts[place.key] or 0.0))
    return _taking_turns(drawn, unsure, seed)


def doubt(value: float | None, votes: Sequence[float], cut: float) -> float:
    """How unsure judges are of one criterion, 0..1: how near P(yes) lies to the cut, or how evenly their votes split.

    An n/a is no probability and tells no doubt.
    """
    near = 0.0 if value is None else 1 - abs(value - cut) / max(cut, 1 - cut)
    yes = sum(vote >= cut for vote in votes)
    split = 2 * min(yes, len(votes) - yes) / len(votes) if votes else 0.0
    return max(near, split)


def _taking_turns(drawn: Sequence[Place], unsure: Sequence[Place], seed: int) -> list[Place]:
    both = min(len(drawn), len(unsure))
    places: list[Place] = []
    for at in range(both):
        pair = [drawn[at], unsure[at]]
        places += pair if _coin(seed, "turn", str(at)) else reversed(pair)
    return [*places, *drawn[both:], *unsure[both:]]


def _coin(seed: int, what: str, key: str) -> bool:
    return _draw(seed, what, key)[0] % 2 == 0


def _draw(seed: int, what: str, key: str) -> bytes:
    return hashlib.sha256(f"{seed}\x00{what}\x00{key}".encode("utf-8", "surrogatepass")).digest()
