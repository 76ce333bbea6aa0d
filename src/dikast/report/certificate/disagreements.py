"""The worst disagreements between the judge and people, side by side, with the texts that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dikast.certify.certificate import CriterionCertificate, Disagreement
from dikast.certify.duels.labels import LabelledPair
from dikast.certify.duels.questions import sides_of
from dikast.certify.labels import Vote
from dikast.quoting import quoted_in
from dikast.report.candidate import Field, fields_of
from dikast.report.certificate.section import Section
from dikast.report.certificate.subject import Subject
from dikast.report.excerpts import Excerpt, excerpt
from dikast.report.marks import pieces
from dikast.report.samples import cut
from dikast.report.words import number
from dikast.reward.binding import Bound, bind
from dikast.spec.judge import Criterion

_ANSWERS: Mapping[Vote, str] = {True: "yes", False: "no", "n/a": "n/a"}
_SIDES: Mapping[Vote, str] = {True: "a", False: "b", "n/a": "tie"}


class ShownDocument(NamedTuple):
    """What of a document is shown."""

    name: str
    excerpt: Excerpt
    judged: bool
    """Whether the judge sees it."""


class Differing(NamedTuple):
    """One disagreement as the page shows it."""

    where: str
    criterion: str
    ask: str
    kind: str
    """Whether the judge gives credit that people do not, or withholds it, or prefers the other side."""
    candidate: tuple[Field, ...]
    people: tuple[tuple[str, str], ...]
    judge: str
    sure: str
    reason: str
    evidence: str
    evidence_found: bool
    documents: tuple[ShownDocument, ...]


class Differences(NamedTuple):
    """All that are shown, and of how many."""

    shown: tuple[Differing, ...]
    counts: tuple[tuple[str, int, int], ...]
    """criterion, disagreements, of so many."""


def disagreements_section(subject: Subject) -> Section | None:
    """Gives them in the certificate's order, the worst first; None where there is none."""
    certificate = subject.certificate
    if not certificate.disagreements:
        return None
    shown = tuple(_differing(subject, one) for one in certificate.disagreements)
    counts = tuple((name, _wrong(found), found.n) for name, found in certificate.criteria.items())
    return Section(
        "disagreements",
        "Where judge and people disagree most",
        "certificate_disagreements.html.j2",
        Differences(shown, counts),
    )


def _wrong(found: CriterionCertificate) -> int:
    """How often the judge's answer was not people's."""
    missed = (1 - found.tpr.value) * found.yes if found.tpr.value is not None else 0
    return round(missed + ((1 - found.tnr.value) * found.no if found.tnr.value is not None else 0))


def _differing(subject: Subject, one: Disagreement) -> Differing:
    criterion = subject.criteria[one.criterion]
    bound, fields = _what_was_judged(subject, one)
    evidence = [one.evidence] if one.evidence else []
    seen = bound.inputs.keys() if bound.read is None else bound.read
    says = one.value >= subject.certificate.criteria[one.criterion].reading.cut
    words = _SIDES if subject.compares else _ANSWERS
    return Differing(
        where=one.id if one.item is None else f"{one.id}, item {one.item + 1}",
        criterion=one.criterion,
        ask=criterion.ask.strip(),
        kind=_kind(subject, criterion, says),
        candidate=tuple(Field(name=field.name, text=cut(field.text), judged=field.judged) for field in fields),
        people=tuple((name, words[vote]) for name, vote in one.people.items()),
        judge=words[says],
        sure=f"P(a) {number(one.value)}" if subject.compares else _sure(one.value, criterion),
        reason=cut(one.reason or ""),
        evidence=cut(one.evidence or ""),
        evidence_found=any(quoted_in(one.evidence or "", text) for _, text in bound.documents),
        documents=tuple(
            ShownDocument(
                name, excerpt(pieces(text, candidate=[field.text for field in fields], evidence=evidence)), name in seen
            )
            for name, text in bound.documents
        ),
    )


def _what_was_judged(subject: Subject, one: Disagreement) -> tuple[Bound, tuple[Field, ...]]:
    """The row, bound to the reward, and its candidate's fields; of a pair those of both sides."""
    row = subject.rows[one.id, one.item]
    if not isinstance(row, LabelledPair):
        bound = bind(subject.spec, row.rollout)
        return bound, tuple(fields_of(bound, one.item))
    sides = {side: bind(subject.spec, rollout) for side, rollout in sides_of(subject.spec, row).items()}
    return sides["a"], tuple(
        Field(name=f"{side}: {field.name}" if field.name else side, text=field.text, judged=field.judged)
        for side, bound in sides.items()
        for field in fields_of(bound, None)
    )


def _kind(subject: Subject, criterion: Criterion, says: bool) -> str:
    if subject.compares:
        return "prefers the side that people do not"
    return "credit that people do not give" if says != criterion.negative else "no credit where people give it"


def _sure(value: float, criterion: Criterion) -> str:
    if criterion.scale is not None:
        low, high = criterion.scale
        return f"level {number(low + value * (high - low), 1)} of {low} to {high}"
    return f"P(yes) {number(value)}"
