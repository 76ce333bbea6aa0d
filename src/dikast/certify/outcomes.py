"""Holds scores against what became of the rollouts in production: does more reward go with a better outcome?

    outcomes = outcomes_of(spec, units, answers, certified)     # None where the reward names no metric

The score is what the reward's own aggregation makes of the judge's verdicts with the certificate's readings. The
score of one item of a set is that of a set which has no other, without recall. Only the untouched part counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from dikast.certify.certificate import CriterionCertificate, OutcomeCertificate, Outcomes
from dikast.certify.questions import BASE, Answers, Unit
from dikast.records import Score, Verdict
from dikast.reward.aggregate import Aggregator
from dikast.reward.parts import Judged, Reading
from dikast.spec.judge import Criterion
from dikast.spec.reward import OutcomeSpec, RewardSpec, healthbench_problems
from dikast.stats.association import Association, association
from dikast.stats.intervals import Interval, wilson

CHANCE = 0.5
"""The AUC of what has nothing to do with an outcome."""

Scoring = Callable[[Unit], Score]


class _Rated(NamedTuple):
    """What the reward says of one unit: the score, and each part that has a value."""

    unit: Unit
    score: Score | None
    parts: dict[str, float]


def outcomes_of(
    spec: RewardSpec, units: Sequence[Unit], answers: Answers, certified: Mapping[str, CriterionCertificate]
) -> Outcomes | None:
    """Measures how the score and each part go with each metric that the reward names."""
    if not spec.file.outcomes:
        return None
    readings = {name: Reading(factor=c.factor, threshold=c.reading.threshold) for name, c in certified.items()}
    scoring = _scoring(spec, readings, answers)
    rated = [
        _Rated(unit, scoring(unit) if scoring else None, _parts(spec, unit, readings, answers))
        for unit in units
        if unit.row.outcomes and not unit.tuning
    ]
    criteria = [criterion.id for criterion in spec.file.judge.criteria]
    metrics = {name: _metric(name, outcome, rated, criteria) for name, outcome in spec.file.outcomes.items()}
    serving = {criterion for one in metrics.values() for criterion in one.served_by}
    measured = any(one.n for one in metrics.values())
    return Outcomes(
        metrics=metrics,
        unserved=tuple(name for name, one in metrics.items() if not one.served_by),
        serving_none=tuple(name for name in criteria if name not in serving) if measured else (),
    )


def _scoring(spec: RewardSpec, readings: Mapping[str, Reading], answers: Answers) -> Scoring | None:
    """How a unit is scored; None where what the certificate leaves on makes no score that the range holds."""
    weights = {c.id: c.weight * readings[c.id].factor for c in spec.file.judge.criteria}
    if spec.file.aggregate == "healthbench" and next(healthbench_problems(spec.file, weights), None):
        return None
    aggregator = Aggregator(msgspec.structs.replace(spec.file, recall=None), readings)

    def score(unit: Unit) -> Score:
        gate = next((part for part in unit.parts if part.name == unit.gate), None)
        if gate:
            return aggregator.gated(unit.row.rollout, unit.parts, gate)
        judged = Judged(item=unit.row.item, verdicts=answers[unit.key, BASE])
        return aggregator.add_up(unit.row.rollout, unit.parts, [judged], items=[unit.row.item])

    return score


def _parts(spec: RewardSpec, unit: Unit, readings: Mapping[str, Reading], answers: Answers) -> dict[str, float]:
    """The parts that have a value, those of criteria that the certificate turns off too: they may yet serve."""
    values = {part.name: part.value for part in unit.parts if part.value is not None}
    said = answers.get((unit.key, BASE), {})
    for criterion in spec.file.judge.criteria:
        verdict = said.get(criterion.id)
        if isinstance(verdict, Verdict) and verdict.value is not None:
            values[criterion.id] = _credit(criterion, readings[criterion.id].of(verdict.value))
    return values


def _credit(criterion: Criterion, value: float) -> float:
    return 1 - value if criterion.negative else value


def _metric(name: str, outcome: OutcomeSpec, rated: Sequence[_Rated], criteria: Sequence[str]) -> OutcomeCertificate:
    known = [one for one in rated if name in one.unit.row.outcomes]
    values = [one.unit.row.outcomes[name] for one in known]
    good = [outcome.is_good(value) for value in values]
    # Where less is better, what goes with the outcome goes with less of it.
    worth = values if outcome.at_least is not None else [-value for value in values]

    def against(figures: Sequence[float | None]) -> Association:
        there = [at for at, figure in enumerate(figures) if figure is not None]
        given = [figure for figure in figures if figure is not None]
        return association(given, [worth[at] for at in there], [good[at] for at in there])

    names = dict.fromkeys((*(part for one in known for part in one.parts), *criteria))
    parts = {part: against([one.parts.get(part) for one in known]) for part in names}
    missing = Counter(
        "not_applicable" if one.score is None else one.score.missing
        for one in known
        if one.score is None or one.score.missing
    )
    return OutcomeCertificate(
        n=len(known),
        reached=wilson(sum(good), len(good)),
        at_least=outcome.at_least,
        at_most=outcome.at_most,
        meant=outcome.criteria,
        score=against([one.score.score if one.score else None for one in known]),
        parts=parts,
        served_by=tuple(part for part in outcome.criteria or criteria if (parts[part].auc.low or 0.0) > CHANCE),
        missing={str(reason): count for reason, count in missing.items()},
    )


def notes_on_outcomes(outcomes: Outcomes) -> Iterator[str]:
    """What a reader of a certificate must know of its outcomes."""
    for name, one in outcomes.metrics.items():
        if not one.n:
            yield f"warning: outcome {name}: no row of the certificate's part carries it"
            continue
        limit = f"at least {one.at_least:g}" if one.at_least is not None else f"at most {one.at_most:g}"
        yield (
            f"outcome {name} ({limit}): reached by {_figure(one.reached)} of {one.n}; the score has "
            f"AUC {_figure(one.score.auc)} and rank correlation {_figure(one.score.spearman)} with it"
        )
        if one.missing:
            yield f"outcome {name}: no score for {', '.join(f'{n} ({reason})' for reason, n in one.missing.items())}"
        wrong = [part for part, found in one.parts.items() if found.auc.high is not None and found.auc.high < CHANCE]
        if wrong:
            yield f"warning: outcome {name}: {', '.join(wrong)} goes against it"
        if name in outcomes.unserved:
            looked = f"of {', '.join(one.meant)}, which are meant to," if one.meant else "of the criteria"
            yield f"warning: no criterion serves the outcome {name}: none {looked} is shown to go with it"
    if outcomes.serving_none:
        yield f"criteria that serve no outcome: {', '.join(outcomes.serving_none)}"


def _figure(interval: Interval) -> str:
    if interval.value is None:
        return "unknown"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} ({interval.low:.2f}..{interval.high:.2f})"
