"""What moved in one rollout's score from one reward to another, for a person to look at. Pure."""

from __future__ import annotations

from dikast.evaluate.replayed import Change, PartMoved
from dikast.evaluate.siblings import ALIKE
from dikast.evaluate.values import parts_of
from dikast.records import Score

MOST_CHARACTERS = 160
"""Shown of a reason, which may quote what the policy wrote."""


def change_of(step: int, then: Score, now: Score, *, by: float) -> Change:
    """Describes the change of a rollout that has both scores."""
    if then.score is None or now.score is None:
        raise ValueError(f"{now.id}: a missing score has not changed by anything")
    gated, decided = (
        ("now", now) if now.status == "gated" else ("then", then) if then.status == "gated" else (None, None)
    )
    return Change(
        id=now.id,
        group=now.group,
        step=step,
        then=then.score,
        now=now.score,
        by=by,
        part=_most_moved(then, now),
        gated=gated,
        detail=_cut(decided.detail) if decided else None,
    )


def _most_moved(then: Score, now: Score) -> PartMoved | None:
    before, after = parts_of(then), parts_of(now)
    moved = [
        (abs(value - other), name, value, other)
        for name, value in before.items()
        if value is not None and (other := after.get(name)) is not None
    ]
    # Of parts that moved alike the first in the reward's order.
    most, name, value, other = max(moved, key=lambda one: one[0], default=(0.0, "", 0.0, 0.0))
    if most <= ALIKE:
        return None
    return PartMoved(name=name, then=value, now=other, reason=_cut(_reason(now, name) or _reason(then, name)))


def _reason(score: Score, name: str) -> str | None:
    return next((part.reason for part in score.parts if part.name == name and part.reason), None)


def _cut(text: str | None) -> str | None:
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]} …"
