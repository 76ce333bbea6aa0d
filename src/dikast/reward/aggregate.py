"""All arithmetic of a reward: from outcomes and verdicts to one score, or to what is missing.

1. A part has a value in 0..1, is n/a, or is missing. A negative criterion counts 1 − value.
2. A gate that fails decides alone: the lowest reward, status `gated`.
   Otherwise any missing weighted part makes the whole score missing: a mean over the parts that
   happened to answer would reward a completion for breaking the judge that disliked it.
3. J = Σ w v / Σ w over the criteria that are not n/a. For a set: the mean of the items' J, 0 for a
   duplicate, joined with recall as F_β where the reward counts recall.
4. s = (1 − Σ w_c) J + Σ w_c v_c over the weighted checks.
5. score = lo + (hi − lo) s.

`weighted_mean` is that. The others change one step: `saturating` takes f(J) for J, `veto` takes 0 for s (for a
set: for the item's J) unless every required criterion is a yes, and `healthbench` takes for J the sum of the
weights met, those of negative criteria subtracted, over the sum of the positive ones, and for the score s itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from dikast.checks.parsing import identity
from dikast.records import Missing, MissingReason, Part, PartKind, Rollout, Score, Usage, Verdict
from dikast.reward.parts import AS_IT_STANDS, RECALL, Judged, Reading, judged_part, missing_part
from dikast.spec.judge import PREFERENCE, Criterion
from dikast.spec.reward import RecallSpec, RewardFile

NOT_ASKED = Usage()
YES = 0.5
"""From this value on a required criterion counts as met."""

_PREFERRED = Criterion(id=PREFERENCE, ask="")


class Aggregator:
    """Adds up the scores of one reward, its criteria weighed and read as the certificate lets them."""

    def __init__(self, file: RewardFile, readings: Mapping[str, Reading]) -> None:
        self.file = file
        rubric = file.judge.mode == "rubric"
        asked = file.judge.criteria if rubric else (_PREFERRED,)
        self._kind: PartKind = "criterion" if rubric else "preference"
        read = ((c, readings.get(c.id, AS_IT_STANDS)) for c in asked)
        self._weighed = tuple(
            (c, reading, c.weight * reading.factor) for c, reading in read if c.weight * reading.factor > 0
        )
        self._required = frozenset(c.id for c, _, _ in self._weighed if c.required)
        negative = frozenset(c.id for c, _, _ in self._weighed if c.negative)
        self._saturates = file.aggregate == "saturating"
        healthbench = file.aggregate == "healthbench"
        self._quality = partial(weights_met, negative=negative) if healthbench else weighted_mean
        self._in_range = held if healthbench else in_range

    def gated(self, rollout: Rollout, parts: Sequence[Part], gate: Part) -> Score:
        """The score of a rollout that a gate stopped: the lowest of the range, without a question to the judge."""
        return Score(
            id=rollout.id,
            group=rollout.group,
            score=self.file.range[0],
            status="gated",
            detail=f"{gate.name}: {gate.reason}" if gate.reason else gate.name,
            parts=tuple(parts),
        )

    def add_up(
        self,
        rollout: Rollout,
        parts: Sequence[Part],
        judged: Sequence[Judged],
        *,
        items: Sequence[Any] | None = None,
        covered: Sequence[Verdict | Missing] | None = None,
        usage: Usage = NOT_ASKED,
    ) -> Score:
        """Adds up the score of a rollout that no gate stopped.

        `parts` are those of the checks. `covered` are the judge's verdicts on each of the expert's issues, where
        the judge and not a key says what the set covers.
        """
        everything = list(parts)
        units: list[tuple[Judged, list[Part]]] = []
        for unit in judged:
            of_unit: list[Part] = []
            for criterion, reading, weight in self._weighed:
                of_unit.append(judged_part(criterion, unit, reading, weight, self._kind))
            units.append((unit, of_unit))
            everything += of_unit
        recall = None
        if self.file.recall is not None:
            recall = self._recall(rollout, items, covered)
            everything.append(recall)
        for part in everything:
            if part.missing:
                return _missing(rollout, part.missing, f"{part.name}: {part.reason}", everything, usage)
        value = self._value(parts, units, items, recall)
        if value is None:
            return _missing(rollout, "not_applicable", "no criterion applies", everything, usage)
        return Score(
            id=rollout.id, group=rollout.group, score=value, status="scored", parts=tuple(everything), usage=usage
        )

    def _value(
        self,
        checks: Sequence[Part],
        units: Sequence[tuple[Judged, Sequence[Part]]],
        items: Sequence[Any] | None,
        recall: Part | None,
    ) -> float | None:
        qualities: list[float] = []
        vetoed = False
        for unit, parts in units:
            quality = 0.0 if unit.duplicate else self._quality(parts)
            if quality is None:
                return None
            if self._required and not self._meets(parts):
                vetoed = True
                quality = 0.0
            qualities.append(quality)
        judgment = qualities[0] if self.file.items is None else self._of_set(qualities, items, recall)
        if self._saturates:
            judgment = saturated(judgment)
        weighed = share = 0.0
        for part in checks:
            if not part.gate:
                weight = part.weight
                weighed += weight
                share += weight * (part.value or 0.0)
        share += (1 - weighed) * judgment
        if vetoed and self.file.items is None:
            share = 0.0
        return self._in_range(share, self.file.range)

    def _of_set(self, qualities: Sequence[float], items: Sequence[Any] | None, recall: Part | None) -> float:
        if items is None:
            # No set at all, which is not an empty one: else broken JSON would be right where nothing is to find.
            return 0.0
        return set_quality(qualities, recall.value if recall else None, self.file.recall)

    def _meets(self, parts: Sequence[Part]) -> bool:
        return all((part.value or 0.0) >= YES for part in parts if part.name in self._required)

    def _recall(
        self, rollout: Rollout, items: Sequence[Any] | None, covered: Sequence[Verdict | Missing] | None
    ) -> Part:
        spec = cast("RecallSpec", self.file.recall)
        issues = len(rollout.column(spec.issues))
        if covered is None:
            share = _named_share(spec, rollout, items or ())
        elif missing := next((verdict for verdict in covered if isinstance(verdict, Missing)), None):
            return missing_part(RECALL, "criterion", missing, weight=spec.beta)
        else:
            given = [verdict.value or 0.0 for verdict in covered if isinstance(verdict, Verdict)]
            share = sum(given) / len(given) if given else None
        reason = f"{issues} issue{'' if issues == 1 else 's'} to find"
        return Part(name=RECALL, kind="criterion", value=share, weight=spec.beta, na=share is None, reason=reason)


def _missing(rollout: Rollout, reason: MissingReason, detail: str, parts: Sequence[Part], usage: Usage) -> Score:
    return Score(
        id=rollout.id,
        group=rollout.group,
        score=None,
        status="missing",
        missing=reason,
        detail=detail,
        parts=tuple(parts),
        usage=usage,
    )


def weighted_mean(parts: Sequence[Part]) -> float | None:
    """Σ w v / Σ w over the criteria that apply; None where none does."""
    met = total = 0.0
    for part in parts:
        value = part.value
        if value is not None:
            weight = part.weight
            met += weight * value
            total += weight
    return met / total if total else None


def weights_met(parts: Sequence[Part], negative: frozenset[str]) -> float | None:
    """The sum of the weights met, those of negative criteria subtracted, over the sum of the positive ones that apply.

    The values are signed already: of a negative criterion 1 − v is there, so it takes w v = w (1 − value). None
    where no positive criterion applies. HealthBench (Arora and others 2025) clips at 0; this does not.
    """
    met = total = 0.0
    for part in parts:
        if part.value is None:
            continue
        if part.name in negative:
            met -= part.weight * (1 - part.value)
        else:
            met += part.weight * part.value
            total += part.weight
    return met / total if total else None


def saturated(judgment: float) -> float:
    """(1 − e^(−3x)) / (1 − e^(−3)) for x in 0..1: the first half is worth four fifths of the whole."""
    return (1 - math.exp(-3 * judgment)) / (1 - math.exp(-3))


def set_quality(qualities: Sequence[float], recall: float | None, spec: RecallSpec | None) -> float:
    """Quality of a set: the mean of its items', joined with the share of issues covered as F_β.

    Recall is None where there was nothing to find: then an empty set is worth 1, any other 0. Where the reward
    does not count recall an empty set is worth 0: nothing tells that there was nothing to find.
    """
    if spec is None:
        return sum(qualities) / len(qualities) if qualities else 0.0
    if recall is None:
        return 0.0 if qualities else 1.0
    if not qualities:
        return 0.0
    precision = sum(qualities) / len(qualities)
    square = spec.beta**2
    bottom = square * precision + recall
    return (1 + square) * precision * recall / bottom if bottom else 0.0


def in_range(share: float, limits: tuple[float, float]) -> float:
    """Lo + (hi − lo) s for s in 0..1. A value outside is a bug of ours, not a clip; rounding errors are folded in."""
    low, high = limits
    if not -1e-9 <= share <= 1 + 1e-9:
        raise AssertionError(f"share {share} is outside 0..1")
    value = low + (high - low) * share
    if value < low:
        return low
    return high if value > high else value


def held(score: float, limits: tuple[float, float]) -> float:
    """Gives a score that must lie in the range as it is; rounding errors are folded in."""
    low, high = limits
    if not low - 1e-9 <= score <= high + 1e-9:
        raise AssertionError(f"score {score} is outside [{low}, {high}]")
    return min(max(score, low), high)


def _named_share(spec: RecallSpec, rollout: Rollout, items: Sequence[Any]) -> float | None:
    """Share of the expert's issues that some item covers, by the field that both carry; None where there are none."""
    key = cast("str", spec.key)
    issues = {identity(issue[key]) for issue in rollout.column(spec.issues)}
    objects = [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]
    named = {identity(item[key]) for item in objects if key in item}
    return len(issues & named) / len(issues) if issues else None
