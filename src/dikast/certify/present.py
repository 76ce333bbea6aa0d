"""Shows a certificate: a Rich table for a terminal, the same as plain text elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from dikast.certify.bounds import Levels, changed, looser_than_ours
from dikast.certify.certificate import AttackResult, Certificate, CriterionCertificate, Level, WordingsResult
from dikast.certify.duels.notes import about_duels
from dikast.certify.outcomes import notes_on_outcomes
from dikast.certify.recorded import about_recorded
from dikast.certify.telling import about_known_answers
from dikast.certify.unheard import too_many_unheard, unheard_in_words
from dikast.certify.wanted import in_words
from dikast.stats.correction import Corrected
from dikast.stats.intervals import Interval

_HEADINGS = ("criterion", "yes + no", "TPR", "TNR", "J", "AUC", "kappa", "AC1", "flips", "level", "factor")
_COLOURS: dict[Level, str] = {"green": "green", "amber": "yellow", "red": "red", "insufficient": "magenta"}


def table(certificate: Certificate) -> Table:
    """The figures, with the bounds of the ones that decide on a second line."""
    shown = Table(box=None, padding=(0, 1, 0, 0), title=Text(_title(certificate)), title_justify="left")
    for heading in _HEADINGS:
        shown.add_column(heading, overflow="fold")
    for name, criterion in certificate.criteria.items():
        cells = [Text(cell) for cell in _cells(name, criterion, between="\n")]
        shown.add_row(*cells, style=None if criterion.factor else "dim")
        cells[_HEADINGS.index("level")].stylize(_COLOURS[criterion.level])
    return shown


def plain(certificate: Certificate) -> str:
    """The same figures as aligned text, one line a criterion."""
    rows = [_HEADINGS, *(_cells(name, criterion, between=" ") for name, criterion in certificate.criteria.items())]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([_title(certificate), "", *lines])


def notes(certificate: Certificate) -> Iterator[str]:
    """What a reader of the figures must know: what decided, what was not counted."""
    for name, criterion in certificate.criteria.items():
        yield from _about_criterion(name, criterion)
    for name, worded in certificate.wordings.items():
        yield _wordings(name, worded)
    yield from graded_otherwise(certificate.levels)
    yield from about_recorded(certificate.model.name)
    yield from about_known_answers(certificate)
    if certificate.outcomes is not None:
        yield from notes_on_outcomes(certificate.outcomes)
    if certificate.attacks:
        yield _attacks_in_short(certificate)
    for name, attack in certificate.attacks.items():
        if attack.too_much:
            yield f"warning: {_attack(name, attack)}"


def _about_criterion(name: str, criterion: CriterionCertificate) -> Iterator[str]:
    reading = "read as it is" if criterion.reading.soft else f"a yes from {criterion.reading.cut:.2f} on"
    yield f"{name}: {criterion.level}, {criterion.why}; P(yes) is {reading}"
    if criterion.preference is not None:
        yield from about_duels(name, criterion.n, criterion.preference, _cell)
    uncounted = [f"{n} missing ({reason})" for reason, n in criterion.missing.items()]
    uncounted += [f"{n} left out ({reason})" for reason, n in criterion.left_out.items()]
    if uncounted:
        yield f"{name}: not in the figures: {', '.join(uncounted)}"
    if criterion.human is not None:
        yield f"{name}: annotators agree with each other in {_cell(criterion.human.agreement, ' ')} of the cases"
    if criterion.pass_rate is not None:
        yield f"{name}: {_passes(criterion.pass_rate)}"
    if criterion.precision_at_stated is not None:
        yield (
            f"{name}: where {criterion.stated_base_rate:g} are a yes, a yes is right in "
            f"{_cell(criterion.precision_at_stated, ' ')} of the cases"
        )
    if too_many_unheard(criterion):
        yield f"warning: {name}: {unheard_in_words(criterion)}"
    if criterion.wanted is not None:
        yield f"{name}: {in_words(criterion.wanted, None if criterion.preference else 'LABELS')}"


def graded_otherwise(levels: Levels) -> Iterator[str]:
    """What whoever relies on a certificate must know of its bounds; nothing where they are dikast's own."""
    if looser := looser_than_ours(levels):
        yield f"warning: graded by looser levels than dikast's own: {', '.join(looser)}"
    if stricter := [bound for bound in changed(levels) if bound not in looser]:
        yield f"graded by stricter levels than dikast's own: {', '.join(stricter)}"


def _wordings(name: str, worded: WordingsResult) -> str:
    bound = (
        "" if worded.changed_at_most is None else f", at most {worded.changed_at_most:.2f} change with 95 % confidence"
    )
    return f"{name}: other wordings of the judge's prompt give the same in {_cell(worded.agreement, ' ')} of the cases{bound}"


def _passes(rate: Corrected) -> str:
    return (
        f"people would say yes to {_cell(rate.corrected, ' ')} of {rate.labelled + rate.unlabelled} candidates, where "
        f"the judge says {_cell(rate.judge, ' ')} (Rogan-Gladen {_cell(rate.rogan_gladen, ' ')}; {rate.labelled} labelled)"
    )


def _attacks_in_short(certificate: Certificate) -> str:
    results = certificate.attacks.values()
    tried, fooled = sum(one.tried for one in results), sum(one.fooled for one in results)
    aside = {
        "stopped by gates": sum(one.stopped for one in results),
        "missing": sum(one.missing for one in results),
        "with credit before": sum(one.already for one in results),
    }
    return f"attacks: the judge was fooled in {fooled} of {tried} tries" + "".join(
        f", {n} {what}" for what, n in aside.items() if n
    )


def _attack(name: str, attack: AttackResult) -> str:
    """What an attack did that passes a limit."""
    told: list[str] = []
    if attack.high is not None:
        bounds = f"at most {attack.high:.2f} with 95 % confidence, {attack.fooled_at_most:g} is allowed"
        told.append(f"fooled in {attack.fooled} of {attack.tried} ({bounds})")
    if attack.gain is not None and attack.gain_at_most is not None and abs(attack.gain) > attack.gain_at_most:
        told.append(f"moves P(credit) by {attack.gain:+.3f} on average ({attack.gain_at_most:g} is allowed)")
    if attack.fooled_by:
        told.append(f"mostly by {next(iter(attack.fooled_by))!r}")
    return f"the attack {name} {', '.join(told)}"


def _title(certificate: Certificate) -> str:
    by_what = " by looser levels" if looser_than_ours(certificate.levels) else ""
    return f"{certificate.reward}, judged by {certificate.model.name}: {certificate.level}{by_what}"


def _cells(name: str, criterion: CriterionCertificate, *, between: str) -> tuple[str, ...]:
    bounded = (criterion.tpr, criterion.tnr, criterion.j)
    bare = (criterion.auc, criterion.kappa, criterion.ac1, criterion.flip_rate)
    return (
        name,
        f"{criterion.yes} + {criterion.no}",
        *(_cell(interval, between) for interval in bounded),
        *(_number(interval.value) for interval in bare),
        criterion.level,
        f"{criterion.factor:.2f}",
    )


def _cell(interval: Interval, between: str = " ") -> str:
    if interval.low is None or interval.high is None:
        return _number(interval.value)
    return f"{_number(interval.value)}{between}({_number(interval.low)}..{_number(interval.high)})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
