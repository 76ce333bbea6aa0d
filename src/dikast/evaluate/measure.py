"""What code can say of an answer without the judge: valid JSON, gold, length, and the traces of a broken model."""

from __future__ import annotations

from collections.abc import Sequence

from dikast.checks.artifacts import count_odd_characters, repetition_share
from dikast.checks.base import CheckFunction
from dikast.checks.parsing import text_of
from dikast.checks.words import count_words
from dikast.evaluate.arms import Arm
from dikast.evaluate.gold import Gold
from dikast.evaluate.records import Value
from dikast.records import Missing, Rollout
from dikast.reward.binding import bind
from dikast.spec.checks import CheckSpec, JsonCheck
from dikast.spec.reward import RewardSpec


class Measure:
    """Measures answers against one reward's inputs and its JSON check."""

    def __init__(self, spec: RewardSpec, checks: Sequence[tuple[CheckSpec, CheckFunction]], gold: Gold | None) -> None:
        self._spec = spec
        self._gold = gold
        self._json: CheckFunction | None = next(
            (function for check, function in checks if isinstance(check, JsonCheck)), None
        )

    def gold(self, rollout: Rollout) -> float | None:
        """Gives the gold value; None where there is no gold measure or it failed."""
        return self._gold(rollout) if self._gold else None

    def of(self, rollout: Rollout) -> dict[str, float | None]:
        """Gives every metric that code alone knows. An unparsable answer has no number of items: None, not 0."""
        bound = bind(self._spec, rollout)
        everything = text_of(bound, keys=True)
        text = text_of(bound)
        values: dict[str, float | None] = {"gold": self.gold(rollout)} if self._gold else {}
        if self._json:
            outcome = self._json(bound)
            values["json_validity"] = None if isinstance(outcome, Missing) else outcome.value
        values["words"] = float(count_words(text))
        if bound.is_set:
            values["items"] = None if bound.items is None else float(len(bound.items))
        values["odd_characters"] = count_odd_characters(everything) / len(everything) * 10_000 if everything else None
        values["repetition"] = repetition_share(text)
        return values


def measured(arms: Sequence[Arm], documents: Sequence[str], measure: Measure, *, seed: int) -> list[Value]:
    """Measures every greedy answer to the documents."""
    wanted = set(documents)
    return [
        Value(seed=seed, arm=arm.name, metric=metric, document=rollout.group, value=value)
        for arm in arms
        for rollout in arm.greedy
        if rollout.group in wanted
        for metric, value in measure.of(rollout).items()
    ]
