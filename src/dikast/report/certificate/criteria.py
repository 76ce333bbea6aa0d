"""A row for each criterion: what was asked, how it counts, and every figure with its interval."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from dikast.certify.bounds import Levels
from dikast.certify.certificate import CriterionCertificate, Level
from dikast.certify.duels.notes import about_duels
from dikast.certify.duels.questions import REPEAT
from dikast.certify.questions import PARAPHRASE, REVERSED
from dikast.report.certificate.reasons import reason_of
from dikast.report.certificate.section import Section
from dikast.report.certificate.subject import Subject
from dikast.report.certificate.terms import TERMS, hundred
from dikast.report.certificate.verdict import right_in_words
from dikast.report.figures import interval_bar
from dikast.report.templating import own
from dikast.report.words import number
from dikast.stats.intervals import Interval, unknown


class Measure(NamedTuple):
    """One figure: its number, its bounds and both drawn."""

    name: str
    value: str
    bounds: str
    bar: Markup | None


class CriterionRow(NamedTuple):
    """What the page says of one criterion."""

    name: str
    ask: str
    level: Level
    negative: bool
    yes: int
    no: int
    measures: tuple[Measure, ...]
    factor: str
    reading: str
    right: str
    why: str
    mend: str | None
    notes: tuple[str, ...]


def criteria_section(subject: Subject) -> Section:
    """Gives the rows in the reward's order."""
    rows = tuple(_row(subject, name) for name in subject.certificate.criteria)
    return Section("criteria", "Question by question", "certificate_criteria.html.j2", {"rows": rows, "terms": TERMS})


def _row(subject: Subject, name: str) -> CriterionRow:
    found, criterion = subject.certificate.criteria[name], subject.criteria[name]
    reason = reason_of(subject, name)
    soft = found.reading.threshold is None
    return CriterionRow(
        name=name,
        ask=criterion.ask.strip(),
        level=found.level,
        negative=criterion.negative,
        yes=found.yes,
        no=found.no,
        measures=tuple(_measures(found, subject.certificate.levels, negative=criterion.negative)),
        factor=number(found.factor),
        reading="as it is" if soft else f"yes from P(yes) {number(found.reading.cut)} on",
        right=right_in_words(subject, name),
        why=reason.told,
        mend=reason.mend,
        notes=tuple(_notes(subject, name)),
    )


def _measures(found: CriterionCertificate, levels: Levels, *, negative: bool) -> list[Measure]:
    return [
        _share("right on yes", found.tpr, limit=levels.green.rate),
        _share("right on no", found.tnr, limit=levels.green.rate),
        # The limit is on credit, which of a negative criterion a no earns.
        _share("precision", found.precision, limit=None if negative else levels.amber.precision),
        _beyond_chance("J", found.j, limit=levels.amber.j),
        _beyond_chance("kappa", found.kappa, limit=levels.green.kappa),
        _beyond_chance("AC1", found.ac1),
        _beyond_chance("AUC", found.auc),
        _share("same prompt", found.within_group),
        _share("flips", found.flip_rate, limit=levels.green.flips),
        _share("people", found.human.agreement if found.human else unknown()),
    ]


def _share(name: str, interval: Interval, *, limit: float | None = None) -> Measure:
    bounds = [hundred(bound) for bound in (interval.low, interval.high) if bound is not None]
    value = "—" if interval.value is None else f"{hundred(interval.value)} %"
    return _measure(name, interval, value, bounds, limit)


def _beyond_chance(name: str, interval: Interval, *, limit: float | None = None) -> Measure:
    bounds = [number(bound) for bound in (interval.low, interval.high) if bound is not None]
    return _measure(name, interval, "—" if interval.value is None else number(interval.value), bounds, limit)


def _measure(name: str, interval: Interval, value: str, bounds: list[str], limit: float | None) -> Measure:
    told = " to ".join(bounds)
    bar = None
    if interval.value is not None:
        title = f"{name} {value}{f', {told}' if told else ''}"
        bar = own(interval_bar(interval.value, interval.low, interval.high, limit=limit, title=title))
    return Measure(name, value, told, bar)


def _notes(subject: Subject, name: str) -> list[str]:
    found = subject.certificate.criteria[name]
    notes: list[str] = []
    if found.preference is not None:
        said = about_duels(name, found.n, found.preference, _told)
        notes += [f"{line[0].upper()}{line[1:]}." for line in (text.removeprefix(f"{name}: ") for text in said)]
    uncounted = [f"{reason} ({n})" for reason, n in found.left_out.items()]
    uncounted += [f"the judge gave no answer, {reason} ({n})" for reason, n in found.missing.items()]
    if uncounted:
        notes.append(f"In no figure: {'; '.join(uncounted)}.")
    variants = subject.certificate.consistency.variants.get(name, {})
    flips = [
        f"{_way(way)} {hundred(one.flip_rate.value)} % of {one.flip_rate.n}"
        for way, one in variants.items()
        if one.flip_rate.value is not None
    ]
    if flips:
        notes.append(f"Answers that changed: {'; '.join(flips)}.")
    notes += _measured_beside(subject, name)
    if found.human is not None and found.human.kappa.value is not None:
        notes.append(f"Annotators among themselves: kappa {number(found.human.kappa.value)}.")
    if found.tuning and not subject.compares:
        notes.append(
            f"The reading was chosen on {found.tuning.get('yes', 0)} yes and {found.tuning.get('no', 0)} no of the tuning part."
        )
    return notes


def _measured_beside(subject: Subject, name: str) -> list[str]:
    """Precision at the base rate that somebody stated, and what other wordings of the judge's prompt changed."""
    found, worded = subject.certificate.criteria[name], subject.certificate.wordings.get(name)
    notes: list[str] = []
    if found.precision_at_stated is not None and found.stated_base_rate is not None:
        share = hundred(found.stated_base_rate)
        notes.append(
            f"Where {share} of 100 are a yes, a yes of the judge is right in {_told(found.precision_at_stated)}."
        )
    if worded is not None:
        bound = "" if worded.changed_at_most is None else f", at most {hundred(worded.changed_at_most)} of 100 change"
        notes.append(
            f"With the judge's prompt worded otherwise the answer is the same in {_told(worded.agreement)}{bound}."
        )
    return notes


def _told(interval: Interval) -> str:
    if interval.value is None:
        return "an unknown share"
    bounds = [hundred(bound) for bound in (interval.low, interval.high) if bound is not None]
    told = f" ({' to '.join(bounds)})" if bounds else ""
    return f"{hundred(interval.value)} %{told}"


def _way(name: str) -> str:
    if name.startswith(PARAPHRASE):
        return f"in other words ({name.removeprefix(PARAPHRASE)})"
    return "in reverse order" if name == REVERSED else f"asked again ({name.removeprefix(REPEAT)})"
