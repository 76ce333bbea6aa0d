"""What a replay says: logged rollouts under the reward that scored them then, and under another one now."""

from __future__ import annotations

from typing import Literal

import msgspec

from dikast.evaluate.logged import ScoredBy
from dikast.records import MissingReason, Status
from dikast.stats.intervals import Interval


class Then(ScoredBy, frozen=True, kw_only=True):
    """A reward that scored rollouts of the run."""

    reward: str | None
    """Its name, where it is known."""


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """The reward that scored them again."""

    reward: str
    reward_hash: str
    certificate_hash: str | None
    model: str


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """Over the rollouts that have both scores; the intervals draw groups."""

    then: Interval
    now: Interval
    difference: Interval | None
    """Now less then, paired; null where the two do not have one range."""
    why: str | None
    """Why there is no difference."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How far both rewards put rollouts in the same order. Of the intervals of shares n counts groups."""

    spearman: Interval
    """Over all rollouts that have both scores; n counts those."""
    pairs: int
    """Pairs of siblings with both scores each, which the next three are shares of."""
    swapped: Interval
    """The other one is above now."""
    untied: Interval
    """Tied then and not now."""
    tied: Interval
    """Tied now and not then."""
    another_best: Interval
    """Share of groups in which no rollout is the best, or one of the best, under both."""
    flat_then: Interval
    flat_now: Interval
    """Share of groups whose valid scores are all equal: a trainer learns nothing of them."""
    turned: Interval
    """Share of rollouts that are above their group's mean under one reward and below it under the other."""


class Rise(msgspec.Struct, frozen=True, kw_only=True):
    """The mean of the last quarter of the steps less that of the first, over the rollouts that have both scores."""

    steps: int
    """In a quarter."""
    groups: int
    """In the quarter that has fewer."""
    then: Interval
    now: Interval
    apart: Interval | None
    """How much more it is then; null where the two do not have one range."""


class PartReplayed(msgspec.Struct, frozen=True, kw_only=True):
    """A part that both rewards have, over the rollouts in which it has a value under both."""

    then: Interval
    now: Interval
    """Its mean. Of the intervals n counts groups."""
    n: int
    """Rollouts."""
    changed: Interval
    """Share of the rollouts in which it is another."""


class PartMoved(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a rollout that moved most."""

    name: str
    then: float
    now: float
    reason: str | None
    """The judge's now, or else then; cut."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout whose score changes much."""

    id: str
    group: str
    step: int
    then: float
    now: float
    by: float
    """The difference, or where ranges differ that of its rank among all, both in 0..1."""
    part: PartMoved | None
    """Null where no part that both have moved."""
    gated: Literal["then", "now"] | None
    """When a gate decided, where it did."""
    detail: str | None
    """Which gate that was, and why; cut."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The figures."""

    rollouts: int
    groups: int
    steps: int
    transitions: dict[Status, dict[Status, int]]
    """What they were then → what they are now."""
    missing_then: dict[MissingReason, int]
    missing: dict[MissingReason, int]
    coverage_then: Interval
    coverage: Interval
    """Share of the rollouts that have a score; n counts groups."""
    same: bool
    """Whether every score is what it was, to the last digit."""
    mean: Means
    order: Order
    rise: Rise | None
    """Null where there are fewer than four steps."""
    parts: dict[str, PartReplayed]
    parts_then_only: tuple[str, ...]
    parts_now_only: tuple[str, ...]


class Replay(Compared, frozen=True, kw_only=True):
    """The whole, as `dikast replay --json` prints it."""

    run: str
    phase: str
    logged_rollouts: int
    logged_groups: int
    """All that the phase has; with --groups fewer are scored again."""
    then: tuple[Then, ...]
    now: Now
    verdict: tuple[str, ...]
    """In sentences."""
    changes_by: Literal["difference", "rank"]
    changes: tuple[Change, ...]
    questions: int
    asked: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    usd: float | None
    """What the questions asked now cost; null where no price is known."""
    over_budget: int
    """Questions that were not asked because the budget was spent."""
