"""Chooses the worst disagreements between the judge and people, of the untouched part alone.

    disagreements = worst_disagreements(criteria, units, answers, cuts)

A disagreement is a unit on which the judge's answer, read as the certificate reads it, is not the one that most people
gave. How bad it is, is how far P(yes) lies from the share of the people who say yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dikast.certify.certificate import Disagreement
from dikast.certify.questions import BASE, Answers, Unit
from dikast.records import Verdict
from dikast.spec.judge import Criterion

MOST_OF_A_CRITERION = 10
MOST_IN_ALL = 20


def worst_disagreements(
    criteria: Sequence[Criterion], units: Sequence[Unit], answers: Answers, cuts: Mapping[str, float]
) -> tuple[Disagreement, ...]:
    """Gives them worst first, of equals in the order of the criteria and then of the units.

    Where there are too many, each criterion's worst stays before any criterion's second: a judge that says only yes or
    no is as wrong as can be wherever it is wrong, and one criterion would crowd out the others.
    """
    ranked: list[tuple[int, Disagreement]] = []
    for criterion in criteria:
        ranked += enumerate(worst_first(_found(criterion.id, units, answers, cuts[criterion.id])))
    ranked.sort(key=lambda one: one[0])
    kept = [one for _, one in ranked[:MOST_IN_ALL]]
    order = {criterion.id: at for at, criterion in enumerate(criteria)}
    return tuple(sorted(kept, key=lambda one: (_nearest_last(one), order[one.criterion])))


def worst_first(found: Iterable[Disagreement]) -> list[Disagreement]:
    """Gives the worst disagreements on one question, of equals in their own order."""
    return sorted(found, key=_nearest_last)[:MOST_OF_A_CRITERION]


def _found(name: str, units: Sequence[Unit], answers: Answers, cut: float) -> Iterator[Disagreement]:
    for unit in units:
        truth = unit.says(name)
        if unit.tuning or unit.gate or truth is None:
            continue
        verdict = answers[unit.key, BASE][name]
        if isinstance(verdict, Verdict) and verdict.value is not None and (verdict.value >= cut) != truth:
            yield Disagreement(
                id=unit.row.rollout.id,
                item=unit.row.item,
                criterion=name,
                people=unit.row.labels[name],
                value=verdict.value,
                reason=verdict.reason,
                evidence=verdict.evidence,
            )


def _nearest_last(one: Disagreement) -> float:
    return -one.distance
