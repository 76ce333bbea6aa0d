"""Writes a certificate as a page: one screen of verdict, a row for each criterion, the attacks, the worst disagreements.

    write_page(certificate, page_of(path), spec=spec, labels=labels)

One HTML file that opens offline and loads nothing. A further section is a function in `SECTIONS`, with a template of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dikast.certify.certificate import Certificate, certificate_hash
from dikast.certify.duels.labels import PairLabels
from dikast.certify.labels import Labels
from dikast.errors import UsageError
from dikast.report import words
from dikast.report.certificate.attacks import attacks_section
from dikast.report.certificate.criteria import criteria_section
from dikast.report.certificate.disagreements import disagreements_section
from dikast.report.certificate.others import others_section
from dikast.report.certificate.section import Section
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.terms import explained, term
from dikast.report.certificate.verdict import first_screen
from dikast.report.templating import template
from dikast.rollouts import appearing
from dikast.spec.reward import RewardSpec

SECTIONS: tuple[Callable[[Subject], Section | None], ...] = (
    criteria_section,
    attacks_section,
    disagreements_section,
    others_section,
)
"""In the order of the page. One that has nothing to show gives None, and is left out."""


def page_of(certificate: Path) -> Path:
    """Where the page of a certificate goes: beside it, with the same stem. Raises `UsageError` where that is the same file."""
    page = certificate.with_suffix(".html")
    if page == certificate:
        raise UsageError(
            f"{certificate}: the certificate is JSON, and its page goes there; write -o {certificate.stem}.json"
        )
    return page


def write_page(certificate: Certificate, path: Path, *, spec: RewardSpec, labels: Labels | PairLabels) -> None:
    """Writes the page. The file appears whole or not at all."""
    page = render(Subject(certificate=certificate, spec=spec, labels=labels))
    with appearing(path) as out:
        out.write(page.encode())


def render(subject: Subject) -> str:
    """Gives the page as text."""
    return template("certificate.html.j2").render(
        certificate=subject.certificate,
        certificate_hash=certificate_hash(subject.certificate),
        first=first_screen(subject),
        sections=[section for make in SECTIONS if (section := make(subject)) is not None],
        things=subject.things,
        words=words,
        explained=explained,
        term=term,
    )
