"""Takes the answers apart: what is compared with people, what is compared with itself, what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import pvariance
from typing import NamedTuple

from dikast.certify.certificate import HumanCeiling, VariantResult
from dikast.certify.labels import Vote, pairs_of
from dikast.certify.questions import BASE, Answers, Unit
from dikast.records import Missing, Verdict
from dikast.stats.agreement import Confusion
from dikast.stats.intervals import Interval, bootstrap_mean, unknown, wilson


class Sample(NamedTuple):
    """A judge's P(yes) beside people's answers, on one criterion."""

    values: list[float]
    labels: list[bool]
    groups: list[str]
    missing: dict[str, int]
    left_out: dict[str, int]
    unheard: list[bool]
    """People's answers to the units whose verdict could not be had."""


class AskedAgain(NamedTuple):
    """What other ways of asking the same changed."""

    flip_rate: Interval
    variance: Interval
    variants: dict[str, VariantResult]


def sample_of(criterion: str, units: Sequence[Unit], answers: Answers) -> Sample:
    """Pairs verdicts with people's answers, and counts what cannot be paired."""
    sample = Sample([], [], [], {}, {}, [])
    missing: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for unit in units:
        if criterion not in unit.truth:
            continue
        if unit.gate:
            left_out[f"stopped by the gate {unit.gate}"] += 1
            continue
        truth = unit.says(criterion)
        if truth is None:
            left_out["people say n/a" if unit.truth[criterion] == "n/a" else "people disagree"] += 1
            continue
        verdict = answers[unit.key, BASE][criterion]
        if isinstance(verdict, Missing):
            missing[verdict.reason] += 1
            sample.unheard.append(truth)
        elif verdict.value is None:
            left_out["judge says n/a"] += 1
        else:
            sample.values.append(verdict.value)
            sample.labels.append(truth)
            sample.groups.append(unit.group)
    return sample._replace(missing=dict(missing), left_out=dict(left_out))


def asked_again(
    criterion: str, units: Sequence[Unit], answers: Answers, ways: Sequence[str], *, cut: float, seed: int
) -> AskedAgain:
    """Compares each other way of asking with the base: yes, no and n/a are three answers.

    The flip rate is over (unit, way); a missing verdict is on neither side, and counted. All ways of a unit are held
    against one answer, so for the interval it stands for no more than there are units. The variance
    of P(yes) is over the ways of one unit, and its mean over units.
    """
    flips: dict[str, list[bool]] = {way: [] for way in ways}
    missing: Counter[str] = Counter()
    by_unit: list[list[bool]] = []
    spreads: list[float] = []
    groups: list[str] = []
    for unit in units:
        base = answers.get((unit.key, BASE), {}).get(criterion)
        if not isinstance(base, Verdict):
            continue
        values = [base.value]
        of_unit: list[bool] = []
        for way in ways:
            verdict = answers.get((unit.key, way), {}).get(criterion)
            if isinstance(verdict, Verdict):
                of_unit.append(_read(verdict, cut) != _read(base, cut))
                flips[way].append(of_unit[-1])
                values.append(verdict.value)
            elif verdict is not None:
                missing[way] += 1
        if of_unit:
            by_unit.append(of_unit)
        numbers = [value for value in values if value is not None]
        if len(numbers) > 1:
            spreads.append(pvariance(numbers))
            groups.append(unit.group)
    return AskedAgain(
        flip_rate=flip_rate_of(by_unit),
        variance=bootstrap_mean(spreads, groups, seed=seed),
        variants={
            way: VariantResult(flip_rate=wilson(sum(of_way), len(of_way)), missing=missing[way])
            for way, of_way in flips.items()
        },
    )


def flip_rate_of(by_unit: Sequence[Sequence[float]]) -> Interval:
    """Share of changed answers, unit by unit. Counted one by one its interval would hold the truth in 80 % of the cases."""
    if not by_unit:
        return unknown()
    import numpy as np

    from dikast.stats.shares import ratio_variance, spread_share

    flips = np.array([sum(of_unit) for of_unit in by_unit], dtype=np.float64)
    asked = np.array([len(of_unit) for of_unit in by_unit], dtype=np.float64)
    p = float(flips.sum() / asked.sum())
    return spread_share(p, max(ratio_variance(flips, asked), p * (1 - p) / len(by_unit)), len(by_unit))


def _read(verdict: Verdict, cut: float) -> bool | None:
    return None if verdict.value is None else verdict.value >= cut


def human_ceiling(criterion: str, units: Sequence[Unit]) -> HumanCeiling | None:
    """How well annotators agree on a criterion, over all their pairs; None where no unit has two of them."""
    return ceiling_of(unit.row.labels.get(criterion, {}) for unit in units)


def ceiling_of(votes: Iterable[Mapping[str, Vote]]) -> HumanCeiling | None:
    """How well annotators agree, from their answers to each unit.

    A unit counts once: with more than two annotators its pairs share it.
    """
    table = Confusion()
    for of_unit in votes:
        pairs = list(pairs_of(of_unit))
        if pairs:
            one = Confusion.of([first for first, _ in pairs], [second for _, second in pairs])
            table = table.plus(one, share=1 / len(pairs))
    return HumanCeiling(agreement=table.agreement, kappa=table.kappa) if table.n else None
