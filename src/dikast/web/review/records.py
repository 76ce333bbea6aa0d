"""What the page shows: one unit as one annotator may see it, and how far that annotator is. Values, no I/O."""

from __future__ import annotations

import msgspec

from dikast.certify.labels import Vote
from dikast.report.marks import Piece
from dikast.web.review.figures import Agreement


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's verdict on one criterion, for an annotator who has answered it."""

    says: str
    """yes, no, n/a or missing."""
    value: float | None = None
    reason: str | None = None
    evidence: str | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An annotator's answer, and what the judge said."""

    answer: Vote
    judge: Shown | None
    """None where no judge was asked."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as one annotator may see it."""

    at: int
    of: int
    unit: str
    documents: list[tuple[str, list[Piece]]]
    candidate: list[tuple[str, str, bool]]
    """Name, text and whether the judge sees it, field by field."""
    prompt: str | None
    answers: dict[str, Answered]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an annotator is, and how well judge and people agree so far."""

    labelled: int
    """Units of which every criterion is answered."""
    of: int
    random: dict[str, Agreement]
    """criterion id → with the judge, on the units that were drawn at random."""
    unsure: dict[str, Agreement]
    """The same where judges are unsure."""
    others: dict[str, dict[str, Agreement]]
    """criterion id → annotator → agreement where both answered."""
    shown: int
    """Answers given after the verdict was shown. What was answered before counts here, if anything was."""
