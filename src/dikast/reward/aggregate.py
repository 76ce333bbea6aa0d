"""All arithmetic of a reward: from outcomes and verdicts to one score, or to what is missing.

1. A part has a value in 0..1, is n/a, or is missing. A negative criterion counts 1 − value.
2. A gate that fails decides alone: the lowest reward, status `gated`.
   Otherwise any missing weighted part makes the whole score missing: a mean over the parts that
   happened to answer would reward a completion for breaking the judge that disliked it.
3. J = Σ w v / Σ w over the criteria that are not n/a. For a set: the mean of the items' J, 0 for a
   duplicate, joined with recall as F_β where the reward counts recall.
4. s = (1 − Σ w_c) J + Σ w_c v_c over the weighted checks.
5. score = lo + (hi − lo) s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from dikast.checks.base import Outcome
from dikast.checks.parsing import identity
from dikast.records import Missing, Part, Rollout, Score, Usage, Verdict
from dikast.spec.reward import CheckSpec, Criterion, RecallSpec, RewardFile

NOT_ASKED = Usage()

CheckOutcomes = Sequence[tuple[CheckSpec, Outcome | Missing]]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a certificate lets a criterion count: its factor, and hard at a threshold or soft."""

    factor: float = 1.0
    threshold: float | None = None

    def of(self, value: float) -> float:
        """Reads P(yes): as it is, or as 0 or 1 at the threshold."""
        return value if self.threshold is None else float(value >= self.threshold)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one unit: an item of a set, or the whole completion (item None)."""

    item: int | None
    verdicts: Mapping[str, Verdict | Missing]
    duplicate: bool = False


def check_parts(outcomes: CheckOutcomes) -> list[Part]:
    """Makes a part of each check's outcome."""
    return [_check_part(check, outcome) for check, outcome in outcomes]


def failed_gate(parts: Sequence[Part]) -> Part | None:
    """Gives the first gate that decides: one that was run and did not pass."""
    return next((part for part in parts if part.gate and part.missing is None and part.value != 1.0), None)


def gated_score(file: RewardFile, rollout: Rollout, parts: Sequence[Part], gate: Part) -> Score:
    """The score of a rollout that a gate stopped: the lowest of the range, without a question to the judge."""
    return Score(
        id=rollout.id,
        group=rollout.group,
        score=file.range[0],
        status="gated",
        detail=f"{gate.name}: {gate.reason}" if gate.reason else gate.name,
        parts=tuple(parts),
    )


def aggregate(
    file: RewardFile,
    rollout: Rollout,
    parts: Sequence[Part],
    judged: Sequence[Judged],
    readings: Mapping[str, Reading],
    *,
    items: Sequence[Any] | None = None,
    usage: Usage = NOT_ASKED,
) -> Score:
    """Adds up the score of a rollout that no gate stopped. `parts` are those of the checks."""
    criteria = [c for c in file.judge.criteria if readings.get(c.id, Reading()).factor > 0]
    everything = [*parts, *(_criterion_part(c, unit, readings) for unit in judged for c in criteria)]
    missing = next((part for part in everything if part.missing), None)
    value = None if missing else _value(file, rollout, everything, judged, criteria, readings, items)
    if value is None:
        reason = missing.missing if missing else "not_applicable"
        return Score(
            id=rollout.id,
            group=rollout.group,
            score=None,
            status="missing",
            missing=reason,
            detail=f"{missing.name}: {missing.reason}" if missing else "no criterion applies",
            parts=tuple(everything),
            usage=usage,
        )
    return Score(id=rollout.id, group=rollout.group, score=value, status="scored", parts=tuple(everything), usage=usage)


def _value(
    file: RewardFile,
    rollout: Rollout,
    parts: Sequence[Part],
    judged: Sequence[Judged],
    criteria: Sequence[Criterion],
    readings: Mapping[str, Reading],
    items: Sequence[Any] | None,
) -> float | None:
    weights = {c.id: c.weight * readings.get(c.id, Reading()).factor for c in criteria}
    qualities: list[float] = []
    for unit in judged:
        quality = 0.0 if unit.duplicate else weighted_mean(_values_of(unit.item, parts, criteria), weights)
        if quality is None:
            return None
        qualities.append(quality)
    if file.items is None:
        judgment = qualities[0]
    elif items is None:
        judgment = (
            0.0  # no set at all, which is not an empty one: else broken JSON would be right where nothing is to find
        )
    else:
        judgment = set_quality(qualities, _recall(file.recall, rollout, items), file.recall)
    shares = [(part.weight, part.value or 0.0) for part in parts if part.kind == "check" and not part.gate]
    share = (1 - sum(weight for weight, _ in shares)) * judgment + sum(weight * value for weight, value in shares)
    return in_range(share, file.range)


def weighted_mean(values: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    """Σ w v / Σ w over the criteria that apply; None where none does."""
    applying = [(weights[i], value) for i, value in values.items() if value is not None]
    total = sum(weight for weight, _ in applying)
    return sum(weight * value for weight, value in applying) / total if total else None


def set_quality(qualities: Sequence[float], recall: tuple[float, int] | None, spec: RecallSpec | None) -> float:
    """Quality of a set: the mean of its items', joined with recall (share covered, number of issues) as F_β.

    Without recall an empty set is worth 0: nothing tells that there was nothing to find.
    """
    if recall is None or spec is None:
        return sum(qualities) / len(qualities) if qualities else 0.0
    covered, issues = recall
    if not qualities and not issues:
        return 1.0
    if not qualities or not issues:
        return 0.0
    precision = sum(qualities) / len(qualities)
    square = spec.beta**2
    bottom = square * precision + covered
    return (1 + square) * precision * covered / bottom if bottom else 0.0


def in_range(share: float, limits: tuple[float, float]) -> float:
    """Lo + (hi − lo) s for s in 0..1. A value outside is a bug of ours, not a clip; rounding errors are folded in."""
    low, high = limits
    if not -1e-9 <= share <= 1 + 1e-9:
        raise AssertionError(f"share {share} is outside 0..1")
    return min(max(low + (high - low) * share, low), high)


def _recall(spec: RecallSpec | None, rollout: Rollout, items: Sequence[Any]) -> tuple[float, int] | None:
    """Share of the expert's issues that some item covers, by the field that both carry."""
    if spec is None:
        return None
    issues = {identity(issue[spec.key]) for issue in rollout.column(spec.issues)}
    objects = [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]
    named = {identity(item[spec.key]) for item in objects if spec.key in item}
    return (len(issues & named) / len(issues) if issues else 0.0), len(issues)


def _check_part(check: CheckSpec, outcome: Outcome | Missing) -> Part:
    missing = isinstance(outcome, Missing)
    return Part(
        name=check.part_name,
        kind="check",
        value=None if missing else outcome.value,
        weight=check.weight or 0.0,
        gate=check.gate,
        item=None if missing else outcome.item,
        missing=outcome.reason if missing else None,
        reason=outcome.detail if missing else outcome.reason,
    )


def _criterion_part(criterion: Criterion, unit: Judged, readings: Mapping[str, Reading]) -> Part:
    reading = readings.get(criterion.id, Reading())
    weight = criterion.weight * reading.factor
    if unit.duplicate:
        return Part(
            name=criterion.id, kind="criterion", value=0.0, weight=weight, item=unit.item, reason="repeats an item"
        )
    verdict = unit.verdicts[criterion.id]
    if isinstance(verdict, Missing):
        return Part(
            name=criterion.id,
            kind="criterion",
            value=None,
            weight=weight,
            item=unit.item,
            missing=verdict.reason,
            reason=verdict.detail,
        )
    value = None if verdict.value is None else reading.of(verdict.value)
    return Part(
        name=criterion.id,
        kind="criterion",
        value=1 - value if value is not None and criterion.negative else value,
        weight=weight,
        item=unit.item,
        na=value is None,
        reason=verdict.reason,
        evidence=verdict.evidence,
    )


def _values_of(item: int | None, parts: Sequence[Part], criteria: Sequence[Criterion]) -> dict[str, float | None]:
    ids = {c.id for c in criteria}
    return {p.name: p.value for p in parts if p.kind == "criterion" and p.item == item and p.name in ids}
