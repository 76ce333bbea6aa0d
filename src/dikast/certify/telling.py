"""Says in lines what became of known answers."""

from __future__ import annotations

from collections.abc import Iterator

from dikast.certify.certificate import Certificate
from dikast.certify.expected import ChangedAnswer, Regression
from dikast.certify.labels import Vote


def about_known_answers(certificate: Certificate) -> Iterator[str]:
    """How many answers are as expected, and each that changed since an earlier certificate. Nothing where none is expected."""
    if not certificate.expected:
        return
    met = [answer.met for answer in certificate.expected]
    without = f", {met.count(None)} without an answer" if None in met else ""
    yield f"known answers: {met.count(True)} of {len(met)} as expected{without}"
    if certificate.regression is not None:
        yield _compared(certificate.regression)
        for change in certificate.regression.changes:
            yield f"{change.what}: {name_of(change)}, {_before_and_after(change)}"


def name_of(answer: ChangedAnswer) -> str:
    """Which answer it is."""
    item = "" if answer.item is None else f", item {answer.item}"
    return f"{answer.criterion} of {answer.id}{item}"


def in_words(vote: Vote | None) -> str:
    """An answer as a person would give it."""
    if vote is None or isinstance(vote, str):
        return vote or "no answer"
    return "yes" if vote else "no"


def _compared(regression: Regression) -> str:
    aside = [f"{n} {what}" for n, what in ((regression.added, "new"), (regression.gone, "no longer there")) if n]
    return (
        f"against the certificate of {regression.date} ({regression.model}): {regression.worse} worse and "
        f"{regression.better} better of {regression.pairs}, p = {regression.p:.3g} (McNemar's exact test)"
        + "".join(f", {one}" for one in aside)
    )


def _before_and_after(change: ChangedAnswer) -> str:
    since = f", since {change.since}" if change.is_open else ""
    return f"{in_words(change.before)} before, {in_words(change.after)} now, expected {in_words(change.expect)}{since}"
