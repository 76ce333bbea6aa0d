"""What a driver prints about its trainer, and what is wrong with it.

A driver runs the trainer's own calling code over all rollouts and says what our adapter gave to it, what the trainer
made of that, and what it makes of the same groups where nothing is missing. `problems` holds that to the engine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from dikast.records import Score

CLOSE = 1e-5
"""Between a trainer's float32 figures."""
CLOSE_IF_SCALED = 1e-2
"""The factor is that of the standard deviation, to which trainers add a little before they divide."""
NOTHING = 1e-3
"""An advantage of zero: what rounding leaves of a group's mean, over a standard deviation that may be small."""


FEWEST = 2
"""Valid rollouts without which a group teaches nothing."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one trainer got and made of it."""

    trainer: str
    version: str
    rewards: dict[str, float | None]
    """What the adapter gave, by the rollout's id: the float64; None for missing, said in the trainer's own way."""
    advantages: dict[str, float | None] = {}
    """The trainer's own, for every rollout of the groups that it looked at; None where it dropped the rollout."""
    alone: dict[str, float] = {}
    """The trainer's own for the valid rollouts of each group, as if the missing ones had never been there."""
    dropped: list[str] = []
    """Rollouts of groups that were dropped whole: allowed where less than two of a group are valid, and the others
    could teach nothing."""
    siblings: Literal["same", "scaled"] = "same"
    """What the missing ones may do to the valid ones of their group: nothing, or what their mean does under scaling
    by the standard deviation."""


def problems(finding: Finding, expected: Mapping[str, Score]) -> Iterator[str]:
    """Says in one sentence each where a trainer got something else than the engine gives, or made a number of nothing."""
    valid = Counter(score.group for score in expected.values() if score.score is not None)
    dropped = {name for name in finding.dropped if valid[expected[name].group] < FEWEST}
    looked_at = {name: score for name, score in expected.items() if name not in dropped}
    yield from _wrong_rewards(finding.rewards, looked_at)
    for name in looked_at.keys() & finding.advantages.keys():
        advantage = finding.advantages[name]
        if looked_at[name].score is None and advantage is not None and not abs(advantage) < NOTHING:
            yield f"{name} is missing, and has the advantage {advantage}"
        elif looked_at[name].score is not None and (advantage is None or not math.isfinite(advantage)):
            yield f"{name} is scored, and has the advantage {advantage}"
    yield from _changed_siblings(finding, expected)


def _wrong_rewards(rewards: Mapping[str, float | None], expected: Mapping[str, Score]) -> Iterator[str]:
    if absent := [name for name in expected if name not in rewards]:
        yield f"{len(absent)} rollouts were never scored, {absent[0]} for one"
    for name in expected.keys() & rewards.keys():
        # Not "close to": it is the same arithmetic, or it is another reward. A NaN is neither.
        if rewards[name] != expected[name].score:
            yield f"{name}: the adapter gave {rewards[name]}, the engine {expected[name].score}"


def _changed_siblings(finding: Finding, expected: Mapping[str, Score]) -> Iterator[str]:
    sizes = Counter(score.group for score in expected.values())
    valid = Counter(score.group for score in expected.values() if score.score is not None)
    for name, wanted in finding.alone.items():
        size, counted = sizes[expected[name].group], valid[expected[name].group]
        factor = math.sqrt((size - 1) / (counted - 1)) if finding.siblings == "scaled" and counted > 1 else 1.0
        advantage = finding.advantages.get(name)
        close = CLOSE_IF_SCALED if factor > 1 else CLOSE
        if advantage is None or not math.isclose(advantage, wanted * factor, rel_tol=close, abs_tol=CLOSE):
            yield f"{name}: its advantage is {advantage}, and {wanted * factor} without its missing siblings"
