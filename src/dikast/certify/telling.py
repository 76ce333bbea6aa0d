"""Says in lines what became of known answers, and of anchors."""

from __future__ import annotations

from collections.abc import Iterator

from dikast.certify.anchors import Anchors, ChangedVerdict
from dikast.certify.certificate import Certificate
from dikast.certify.expected import ChangedAnswer, Regression
from dikast.certify.labels import Vote
from dikast.stats.evidence import DriftTest

LISTED = 20
"""Changed anchors that are named; the file has them all."""
_READING = {
    "unchanged": "the judge answers as before: what moved in a run's scores meanwhile, the policy moved",
    "cautious": "the judge may have changed: ask again before you read a move of a run's scores as the policy's",
    "drifted": "the judge changed: a move of a run's scores since then may be the judge's and not the policy's",
}


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


def about_anchors(anchors: Anchors) -> Iterator[str]:
    """What the latest pass gave, one word for each criterion, and how to read a run's scores beside it."""
    size = f"{anchors.verdicts} verdicts on {len(anchors.anchors)} candidates"
    if not anchors.passes:
        how = "assumed" if not anchors.asked_again else f"by {anchors.asked_again} that were asked again"
        yield f"anchors: {size}, drawn {anchors.drawn}; run it again to see whether the judge is still the same"
        for name, test in anchors.tests.items():
            yield f"{name}: an unchanged judge changes at most {test.noise:.3f} of them ({how})"
        return
    latest = anchors.passes[-1]
    without = "".join(f", {n} missing ({reason})" for reason, n in latest.missing.items())
    yield (
        f"anchors: {size}, drawn {anchors.drawn}; "
        f"pass {len(anchors.passes)} of {latest.date}: {len(latest.changed)} changed{without}"
    )
    for name, test in anchors.tests.items():
        yield _evidence(name, test)
    if len(anchors.tests) > 1:
        yield _evidence("all together", anchors.overall)
    for one in latest.changed[:LISTED]:
        yield f"changed: {name_of(one)}, {in_words(one.before)} when drawn, {in_words(one.after)} now"
    if len(latest.changed) > LISTED:
        yield f"and {len(latest.changed) - LISTED} more"
    yield f"{anchors.word}: {_READING[anchors.word]}"


def _evidence(name: str, test: DriftTest) -> str:
    share = test.changed / test.outcomes if test.outcomes else 0.0
    return (
        f"{name}: {test.word}, {share:.3f} of {test.outcomes} changed so far "
        f"(at most {test.noise:.3f} by itself), e = {test.e:.3g}"
    )


def name_of(answer: ChangedAnswer | ChangedVerdict) -> str:
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
