"""The rules that need evidence: what a certificate allows, and what people's labels show of a criterion."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import StatisticsError, correlation

from dikast.certify.certificate import Certificate, CriterionCertificate
from dikast.certify.labels import Labels, consensus
from dikast.certify.lint.finding import Finding, place
from dikast.spec.judge import Criterion
from dikast.spec.reward import RewardFile
from dikast.stats.intervals import Interval, wilson

MOST_FALSE = 0.05
"""False-positive and false-negative rate that a veto may have."""
ALWAYS, NEVER = 0.97, 0.03
LEAST_CORRELATION = 0.1
LEAST_LABELS = 30
"""Labelled units below which nothing is said of a criterion."""
LEAST_CRITERIA = 3
"""Below it the rest is one question, and two good questions need not go together."""


def vetoes(file: RewardFile, certificate: Certificate | None) -> Iterator[Finding]:
    """What `required` needs: a certificate of this reward by which the criterion errs in at most 5 % either way."""
    for at, criterion in enumerate(file.judge.criteria):
        if criterion.required and (problem := _not_allowed(criterion.id, certificate)):
            yield Finding(
                level="error",
                rule="veto_uncertified",
                where=place(at, criterion),
                problem=f"It is required, and {problem}",
                why="One wrong no takes everything from a good answer, and a wrong yes lets through what must not pass.",
                better="dikast certify REWARD LABELS; until the rates allow it, 'aggregate: weighted_mean' "
                "with a higher weight in place of 'required: true'.",
            )


def _not_allowed(name: str, certificate: Certificate | None) -> str | None:
    if certificate is None:
        return "no certificate of this reward allows it"
    one = certificate.criteria.get(name)
    if one is None:
        return "the certificate does not measure it"
    if not one.factor > 0:
        return f"the certificate turns it off: {one.level}, {one.why}"
    return _too_often(one)


def _too_often(one: CriterionCertificate) -> str | None:
    for what, right in (("says no to what is a yes", one.tpr), ("says yes to what is a no", one.tnr)):
        wrong = _complement(right)
        if wrong.value is None or wrong.value > MOST_FALSE + 1e-9:
            return f"the judge {what} in {_shown(wrong)} of the cases, above {MOST_FALSE:.0%}"
    return None


def _complement(right: Interval) -> Interval:
    def of(value: float | None) -> float | None:
        return None if value is None else 1 - value

    return Interval(value=of(right.value), low=of(right.high), high=of(right.low), n=right.n)


def _shown(rate: Interval) -> str:
    if rate.value is None:
        return f"an unknown share ({rate.n} labels)"
    bounds = "" if rate.low is None or rate.high is None else f"{rate.low:.1%} to {rate.high:.1%}, "
    return f"{rate.value:.1%} ({bounds}n {rate.n})"


def signals(file: RewardFile, labels: Labels) -> Iterator[Finding]:
    """What people's answers say of the questions: those that everything passes, and those that go another way."""
    criteria = file.judge.criteria
    rows = [{name: consensus(votes) for name, votes in row.labels.items() if votes} for row in labels.rows]
    answers = [{name: vote for name, vote in row.items() if isinstance(vote, bool)} for row in rows]
    for at, criterion in enumerate(criteria):
        of_it = [row[criterion.id] for row in answers if criterion.id in row]
        where = place(at, criterion)
        if len(of_it) < LEAST_LABELS:
            yield _too_few(where, len(of_it))
        elif not NEVER <= sum(of_it) / len(of_it) <= ALWAYS:
            yield _constant(where, wilson(sum(of_it), len(of_it)))
        elif problem := _goes_alone(criterion, criteria, answers):
            yield _alone(where, problem)


def _too_few(where: str, n: int) -> Finding:
    return Finding(
        level="info",
        rule="few_labels",
        where=where,
        problem=f"People gave a yes or a no to {n} units: too few to tell whether it has a signal",
        why=f"Under {LEAST_LABELS} the rate of yes may be anything.",
        better="dikast certify needs 30 yes and 30 no of each criterion; label more rollouts.",
    )


def _constant(where: str, rate: Interval) -> Finding:
    return Finding(
        level="warning",
        rule="no_signal",
        where=where,
        problem=f"People say yes to {_shown(rate)}: it hardly tells rollouts apart",
        why="What all rollouts of a group have, or none, gives no advantage and costs a question each.",
        better="A question that about half of the rollouts pass; what must never happen belongs into a gate.",
    )


def _alone(where: str, problem: str) -> Finding:
    return Finding(
        level="warning",
        rule="against_the_rest",
        where=where,
        problem=problem,
        why="It is answered by something else than what the other criteria measure, or turns the wrong way round.",
        better="Look at the units where it and the rest differ: reword it, turn 'negative', or drop it.",
    )


def _goes_alone(criterion: Criterion, criteria: tuple[Criterion, ...], answers: list[dict[str, bool]]) -> str | None:
    """The correlation of a criterion with the weighted mean of the others in the same unit, where it is too low."""
    weighted = [other for other in criteria if other.id != criterion.id and 0 < other.weight < math.inf]
    others = [other for other in weighted if any(other.id in row for row in answers)]
    if len(others) + 1 < LEAST_CRITERIA:
        return None
    pairs: list[tuple[float, float]] = []
    for row in answers:
        rest = [(other.weight, _credit(other, row[other.id])) for other in others if other.id in row]
        if criterion.id in row and rest:
            mean = sum(w * v for w, v in rest) / sum(w for w, _ in rest)
            pairs.append((_credit(criterion, row[criterion.id]), mean))
    if len(pairs) < LEAST_LABELS:
        return None
    try:
        r = correlation(*zip(*pairs, strict=True))
    except StatisticsError:  # one side never changes
        return None
    if not r < LEAST_CORRELATION:
        return None
    return f"Its correlation with the other criteria is {r:.2f} (n {len(pairs)}), under {LEAST_CORRELATION}"


def _credit(criterion: Criterion, answer: bool) -> float:
    return float(answer != criterion.negative)
