"""Makes the parts of a score: of what a check found, of what a judge said."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from dikast.checks.base import PASSED, Outcome
from dikast.records import Missing, Part, PartKind, Value, Verdict
from dikast.spec.checks import CheckSpec
from dikast.spec.judge import Criterion

RECALL = "recall"
"""Name of the part that says which share of the expert's issues a set covers."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a certificate lets a criterion count: its factor, and hard at a threshold or soft."""

    factor: float = 1.0
    threshold: float | None = None

    def of(self, value: float) -> float:
        """Reads P(yes): as it is, or as 0 or 1 at the threshold."""
        return value if self.threshold is None else float(value >= self.threshold)


AS_IT_STANDS = Reading()


class Judged(Value, frozen=True, kw_only=True):
    """The verdicts on one unit: an item of a set, or the whole completion (item None)."""

    item: int | None
    verdicts: Mapping[str, Verdict | Missing]
    duplicate: bool = False


def decides(part: Part) -> bool:
    """Whether a part is a gate that was run and did not pass."""
    return part.gate and part.missing is None and part.value != 1.0


def judged_part(criterion: Criterion, unit: Judged, reading: Reading, weight: float, kind: PartKind) -> Part:
    """Makes the part of one criterion, or of a preference, for one unit; its value counts for the rollout, whatever a yes means."""
    if unit.duplicate:
        return Part(name=criterion.id, kind=kind, value=0.0, weight=weight, item=unit.item, reason="repeats an item")
    verdict = unit.verdicts[criterion.id]
    if not isinstance(verdict, Verdict):
        return missing_part(criterion.id, kind, verdict, weight=weight, item=unit.item)
    value = verdict.value
    if value is not None:
        if reading.threshold is not None:
            value = reading.of(value)
        if criterion.negative:
            value = 1 - value
    return Part(
        name=criterion.id,
        kind=kind,
        value=value,
        weight=weight,
        item=unit.item,
        na=value is None,
        reason=verdict.reason,
        evidence=verdict.evidence,
        votes=verdict.votes,
        by=verdict.by,
    )


def missing_part(name: str, kind: PartKind, missing: Missing, *, weight: float, item: int | None = None) -> Part:
    """Makes the part of what could not be had."""
    return Part(
        name=name, kind=kind, value=None, weight=weight, item=item, missing=missing.reason, reason=missing.detail
    )


@lru_cache(maxsize=256)
def passed_part(check: CheckSpec) -> Part:
    """The part of a check that found nothing: the same for every rollout."""
    return check_part(check, PASSED)


def check_part(check: CheckSpec, outcome: Outcome | Missing) -> Part:
    """Makes the part of a check."""
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
