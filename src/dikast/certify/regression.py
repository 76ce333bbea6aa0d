"""Holds the judge to known answers, and to what it answered in an earlier certificate.

    expected = expected_answers(units, answers, cuts)          # what the judge says to each now
    certificate = compared(certificate, earlier)               # what has changed since, item by item

An answer that was as expected once stays reported until it is again: a second look at the same does not heal it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from dikast.certify.certificate import Certificate, certificate_hash, read_certificate
from dikast.certify.expected import ChangedAnswer, ExpectedAnswer, Regression
from dikast.certify.labels import Labels
from dikast.certify.questions import BASE, Answers, Unit
from dikast.errors import ConfigError, DataError
from dikast.records import Missing, Verdict
from dikast.stats.mcnemar import mcnemar


def expected_answers(units: Sequence[Unit], answers: Answers, cuts: Mapping[str, float]) -> tuple[ExpectedAnswer, ...]:
    """Gives what the judge says where a row expects an answer; `cuts` says from which P(yes) on that is a yes."""
    return tuple(
        _answer(unit, criterion, answers, cuts[criterion]) for unit in units for criterion in sorted(unit.expected)
    )


def _answer(unit: Unit, criterion: str, answers: Answers, cut: float) -> ExpectedAnswer:
    verdict = None if unit.gate else answers[unit.key, BASE][criterion]
    value = verdict.value if isinstance(verdict, Verdict) else None
    said = None if not isinstance(verdict, Verdict) else "n/a" if value is None else value >= cut
    without = verdict.reason if isinstance(verdict, Missing) else f"the gate {unit.gate}" if unit.gate else None
    return ExpectedAnswer(
        id=unit.row.rollout.id,
        item=unit.row.item,
        criterion=criterion,
        content=_content(unit),
        expect=unit.expected[criterion],
        said=said,
        value=value,
        without=without,
    )


def _content(unit: Unit) -> str:
    rollout = unit.row.rollout
    held = (rollout.prompt, rollout.completion, rollout.reference, rollout.columns, unit.row.item)
    return hashlib.sha256(msgspec.json.encode(held, order="deterministic")).hexdigest()[:16]


def earlier_certificate(labels: Labels, against: Path | None, stored: Path) -> Certificate | None:
    """Reads the certificate to compare with: the one that is named, else the stored one, where that has known answers.

    Raises `DataError` where one is named and the labels expect nothing, `ConfigError` where it is no certificate.
    """
    if not any(row.expected for row in labels.rows):
        if against is not None:
            raise DataError(
                f"{labels.path}: --against compares known answers, and no row has any; "
                'add "expect": "good", "bad" or {"answers": {criterion: true, false or "n/a"}}'
            )
        return None
    if against is None and not stored.is_file():
        return None
    try:
        earlier = read_certificate(against or stored)
    except ConfigError as error:
        if against is not None:
            raise
        raise ConfigError(f"{error}; to begin anew without what it knew, remove it") from None
    if earlier.expected:
        return earlier
    if against is not None:
        raise ConfigError(f"{against}: holds no known answers to compare with; name a certificate that has some")
    return None


def compared(certificate: Certificate, earlier: Certificate | None) -> Certificate:
    """Gives the certificate with what changed against an earlier one; as it is where the two share no known answer."""
    if earlier is None or not certificate.expected:
        return certificate
    before = {answer.key: answer for answer in earlier.expected}
    now = {answer.key: answer for answer in certificate.expected}
    shared = [(before[key], answer) for key, answer in now.items() if key in before]
    if not shared:
        return certificate
    pairs = [
        (then.said == answer.expect, answer.met) for then, answer in shared if None not in (then.said, answer.said)
    ]
    worse, better = pairs.count((True, False)), pairs.count((False, True))
    regression = Regression(
        against=certificate_hash(earlier),
        date=earlier.date,
        model=earlier.model.name,
        reward_hash=earlier.reward_hash,
        pairs=len(pairs),
        worse=worse,
        better=better,
        p=mcnemar(worse, better),
        added=len(now.keys() - before.keys()),
        gone=len(before.keys() - now.keys()),
        changes=tuple(_changes(shared, earlier.regression, certificate.date)),
    )
    return msgspec.structs.replace(certificate, regression=regression)


def _changes(
    shared: Sequence[tuple[ExpectedAnswer, ExpectedAnswer]], known: Regression | None, today: str
) -> Iterator[ChangedAnswer]:
    still_open = {change.key: change for change in known.changes if change.is_open} if known else {}
    for then, now in shared:
        earlier = still_open.get(now.key)
        if earlier is not None and earlier.expect != now.expect:
            earlier = None
        change = _change(then, now, was_met=earlier is not None or then.said == now.expect, today=today)
        if change is not None and earlier is not None and change.is_open:
            change = msgspec.structs.replace(change, before=earlier.before, since=earlier.since)
        if change is not None:
            yield change


def _change(then: ExpectedAnswer, now: ExpectedAnswer, *, was_met: bool, today: str) -> ChangedAnswer | None:
    """What became of one answer, by what is expected of it now."""
    if was_met and not now.met:
        what = "lost" if now.said is None else "broken"
    elif then.said == now.said or (then.said is None and not was_met):
        return None
    else:
        what = "mended" if now.met else "changed"
    return ChangedAnswer(
        id=now.id,
        item=now.item,
        criterion=now.criterion,
        content=now.content,
        what=what,
        before=then.said,
        after=now.said,
        expect=now.expect,
        since=today,
    )
