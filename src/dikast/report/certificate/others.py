"""Other judges beside the certified one: what each is worth, costs and takes, and where they differ most."""

from __future__ import annotations

from typing import NamedTuple

from dikast.certify.others import JudgeInAll, JudgesApart
from dikast.certify.present_others import conclusion
from dikast.report.certificate.section import Section
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.terms import hundred
from dikast.report.words import number, visible
from dikast.stats.intervals import Interval

MOST_SHOWN = 10
"""Candidates on which the judges differ; the certificate holds more."""


class JudgeRow(NamedTuple):
    """What the page says of one judge."""

    name: str
    j: str
    behind: str
    not_worse: str
    usd: str
    seconds: str
    requests: str
    missing: str


class Apart(NamedTuple):
    """One candidate on which the judges differ, and what each said."""

    where: str
    people: str
    said: tuple[tuple[str, str, str], ...]
    """Judge, P(yes), and its reason."""


class OtherJudges(NamedTuple):
    """The section."""

    rows: tuple[JudgeRow, ...]
    conclusion: str
    rule: str
    votes: tuple[str, ...]
    apart: tuple[Apart, ...]
    apart_of: int


def others_section(subject: Subject) -> Section | None:
    """Gives the judges in the order in which they were asked; None where there is one alone."""
    others = subject.certificate.others
    if others is None:
        return None
    votes = tuple(
        f"{name}: {len(across.judges)} judges are worth {across.votes.errors:.1f} independent votes by their errors"
        for name, across in others.criteria.items()
        if across.votes.errors is not None
    )
    content = OtherJudges(
        rows=tuple(map(_row, others.table)),
        conclusion=_sentence(conclusion(others)),
        rule=_sentence(others.rule),
        votes=votes,
        apart=tuple(map(_apart, others.disagreements[:MOST_SHOWN])),
        apart_of=others.disagreements_of,
    )
    return Section("others", "Other judges", "certificate_others.html.j2", content)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _row(row: JudgeInAll) -> JudgeRow:
    best = row.behind is None and row.not_worse
    return JudgeRow(
        name=row.name,
        j=_cell(row.j),
        behind="the best" if best else _cell(row.behind),
        not_worse="not known" if row.not_worse is None else "yes" if row.not_worse else "no",
        usd=_amount(row.usd_per_1000),
        seconds=_amount(row.seconds),
        requests=_amount(row.requests),
        missing=f"{hundred(row.missing)} %",
    )


def _cell(interval: Interval | None) -> str:
    if interval is None or interval.value is None:
        return "—"
    bounds = [number(bound) for bound in (interval.low, interval.high) if bound is not None]
    return number(interval.value) + (f" ({' to '.join(bounds)})" if bounds else "")


def _amount(value: float | None) -> str:
    return "—" if value is None else f"{value:.3g}"


def _apart(one: JudgesApart) -> Apart:
    item = "" if one.item is None else f", item {one.item}"
    return Apart(
        where=visible(f"{one.criterion}: {one.id}{item}"),
        people="yes" if one.people else "no",
        said=tuple(
            (
                judge,
                f"no answer, {said.missing}" if said.missing else "n/a" if said.value is None else number(said.value),
                visible(said.reason or ""),
            )
            for judge, said in one.said.items()
        ),
    )
