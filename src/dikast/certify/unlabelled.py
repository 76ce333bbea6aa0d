"""Rollouts without labels, judged beside a labels file: how often people would say yes to all of them.

    units += unlabelled_units(spec, path, labels, split)
    pass_rate(criterion, units, answers, reading)      # None where nothing was judged without labels

The labelled units must be a random sample of all, so those that were labelled because the judge was unsure of
them (`"drawn": "unsure"`, which `dikast review` writes) count as unlabelled in a pass rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dikast.certify.certificate import ChosenReading
from dikast.certify.labels import LabelledRow, Labels, Split
from dikast.certify.questions import BASE, Answers, Unit
from dikast.certify.samples import sample_of
from dikast.checks.building import build_checks
from dikast.errors import DataError
from dikast.records import Verdict
from dikast.reward.binding import bind, case_of, duplicates
from dikast.reward.engine import run_checks
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.reward import RewardSpec
from dikast.stats.correction import Corrected, Labelled, Unlabelled, corrected


def is_sampled(row: LabelledRow) -> bool:
    """Whether a row was not labelled because the judge was unsure of it."""
    return row.rollout.columns.get("drawn") != "unsure"


def unlabelled_units(spec: RewardSpec, path: Path, labels: Labels, split: Split) -> list[Unit]:
    """Reads rollouts, cut into what is judged, without what the labels file holds already.

    What the judge would not see in training is left out: what a gate stops, and an item that repeats an earlier one.
    """
    held = {(row.rollout.id, row.item) for row in labels.rows}
    tuning = set(split.tuning)
    checks = build_checks(spec)
    units: list[Unit] = []
    first: dict[str, int] = {}
    for line, row in read_rows(path):
        rollout = rollout_of(row, path=path, line=line)
        if (before := first.setdefault(rollout.id, line)) != line:
            raise DataError(f"{path}:{line}: the same id as line {before}; give each rollout its own")
        try:
            bound = bind(spec, rollout)
        except DataError as error:
            raise DataError(f"{path}:{line}: {error}") from None
        if run_checks(checks, bound)[1]:
            continue
        again = duplicates(bound)
        units += (
            Unit(
                key=f"{rollout.id}#{'' if item is None else item}",
                group=rollout.group,
                tuning=rollout.group in tuning,
                case=case_of(bound, item),
                row=LabelledRow(line=line, rollout=rollout, item=item, labels={}),
                truth={},
            )
            for item in bound.units()
            if (rollout.id, item) not in held and item not in again
        )
    return units


def pass_rate(
    criterion: str, units: Sequence[Unit], answers: Answers, reading: ChosenReading, *, seed: int
) -> Corrected | None:
    """The share of yes among labelled and unlabelled units of the untouched part; a verdict that is missing is in no share."""
    untouched = [unit for unit in units if not unit.tuning]
    if all(criterion in unit.truth for unit in untouched):
        return None
    rest = Unlabelled([], [])
    for unit in untouched:
        verdict = answers.get((unit.key, BASE), {}).get(criterion)
        unlabelled = criterion not in unit.truth or not is_sampled(unit.row)
        if unlabelled and isinstance(verdict, Verdict) and verdict.value is not None:
            rest.judged.append(_read(verdict.value, reading))
            rest.clusters.append(unit.group)
    if not rest.judged:
        return None
    sample = sample_of(criterion, [unit for unit in untouched if is_sampled(unit.row)], answers)
    labelled = Labelled(sample.labels, [_read(value, reading) for value in sample.values], [*sample.groups])
    return corrected(labelled, rest, cut=reading.cut, seed=seed)


def _read(value: float, reading: ChosenReading) -> float:
    return value if reading.soft else float(value >= reading.cut)
