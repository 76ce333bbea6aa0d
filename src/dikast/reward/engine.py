"""Turns a batch of rollouts into scores: bind, check, judge group by group, aggregate."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from dikast.checks.base import PASSED, CheckFunction
from dikast.judges.ask import EXPIRED
from dikast.records import Part, Rollout, Score
from dikast.reward.aggregate import Aggregator
from dikast.reward.aside import aside
from dikast.reward.binding import Bound, bind, duplicates, enough_columns, require_columns
from dikast.reward.judging import Found, Judging, Task
from dikast.reward.parts import check_part, decides, passed_part
from dikast.spec.checks import CheckSpec, PythonCheck
from dikast.spec.reward import RewardSpec
from dikast.tasks import side_by_side

Progress = Callable[[int], None]

_NOTHING: frozenset[int] = frozenset()


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """A reward put together: its file, compiled checks, judge and arithmetic."""

    spec: RewardSpec
    checks: tuple[tuple[CheckSpec, CheckFunction], ...]
    judging: Judging
    aggregator: Aggregator
    concurrency: int
    """Requests that the judge takes at once."""

    async def score(
        self, rollouts: Sequence[Rollout], *, progress: Progress | None = None, deadline: float | None = None
    ) -> list[Score]:
        """Scores a batch, in its order. Raises `DataError` when a column is not there.

        After `deadline` seconds what is still open is missing as `expired`.
        """
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        for rollout in rollouts:
            self.require(rollout)
        groups: dict[str, list[int]] = {}
        for position, rollout in enumerate(rollouts):
            groups.setdefault(rollout.group, []).append(position)
        scores: dict[int, Score] = {}

        waiting = iter(groups.values())

        async def work() -> None:
            for positions in waiting:
                group = [rollouts[position] for position in positions]
                for position, score in zip(
                    positions, await self.score_group(group, until=until, progress=progress), strict=True
                ):
                    scores[position] = score

        # How many requests are really under way is the model client's business; this bounds what waits for it. Of groups
        # it is twice what the client takes, since one whose first rollout goes ahead keeps only one request under way. What
        # answers one request at a time is sent one group after another: it remembers the latest prompt alone.
        twice = 2 if self.concurrency > 1 and len(groups) < len(rollouts) else 1
        at_once = math.ceil(twice * self.concurrency * len(groups) / max(1, len(rollouts)))
        await side_by_side(work() for _ in range(min(at_once, len(groups))))
        return [scores[position] for position in range(len(rollouts))]

    async def score_group(
        self, rollouts: Sequence[Rollout], *, until: float | None, progress: Progress | None = None
    ) -> list[Score]:
        """Scores the rollouts of one prompt, in their order; `until` is in seconds of the event loop's clock."""
        scores: dict[int, Score] = {}
        tasks: list[Task] = []
        theirs = next((check for check, _ in self.checks if isinstance(check, PythonCheck)), None)
        outcomes: list[Task | Score] = []
        if theirs is None:
            self._prepare_all(rollouts, outcomes)
        elif not await aside(partial(self._prepare_all, rollouts, outcomes), until=until):
            # Their thread may still be at work on its last one.
            outcomes = outcomes[:]
            outcomes += [self._expired(theirs, rollout) for rollout in rollouts[len(outcomes) :]]
        for position, outcome in enumerate(outcomes):
            if isinstance(outcome, Task):
                tasks.append(outcome)
            else:
                scores[position] = outcome
        if progress and scores:
            progress(len(scores))

        def tell(task: Task, found: Found) -> None:
            bound = task.bound
            scores[task.position] = self.aggregator.add_up(
                bound.rollout, task.parts, found.judged, items=bound.items, covered=found.covered, usage=found.usage
            )
            if progress:
                progress(1)

        if tasks:
            await self.judging.group(tasks, tell, until=until)
        return [scores[position] for position in range(len(rollouts))]

    def _prepare_all(
        self, rollouts: Sequence[Rollout], outcomes: list[Task | Score], stopped: Callable[[], bool] = bool
    ) -> None:
        """Prepares one after another, until nobody waits for them any more."""
        for position, rollout in enumerate(rollouts):
            if stopped():
                return
            outcomes.append(self.prepare(position, bind(self.spec, rollout)))

    def _expired(self, theirs: PythonCheck, rollout: Rollout) -> Score:
        """The score of a rollout that a user's check was not done with in time."""
        return self.aggregator.add_up(rollout, [check_part(theirs, EXPIRED)], [])

    def require(self, rollout: Rollout) -> None:
        """Raises `DataError` when a column that the reward names is not there."""
        require_columns(self.spec, rollout)

    @property
    def enough(self) -> tuple[str, ...] | None:
        """Columns of a row whose being there spares `require` the look; None where nothing does."""
        return enough_columns(self.spec)

    def prepare(self, position: int, bound: Bound) -> Task | Score:
        """Runs the checks. A gate that fails, or a check without an answer, gives the score at once; the rest is judged."""
        parts, gate = run_checks(self.checks, bound)
        if gate:
            return self.aggregator.gated(bound.rollout, parts, gate)
        for part in parts:
            if part.missing:
                return self.aggregator.add_up(bound.rollout, parts, [])
        repeats = duplicates(bound) if bound.items else _NOTHING
        return Task(position=position, bound=bound, parts=tuple(parts), repeats=repeats)


def run_checks(checks: Iterable[tuple[CheckSpec, CheckFunction]], bound: Bound) -> tuple[list[Part], Part | None]:
    """Runs checks in their order, up to the first gate that fails; gives their parts and that gate's."""
    parts: list[Part] = []
    for check, function in checks:
        outcome = function(bound)
        if outcome is PASSED:
            parts.append(passed_part(check))
            continue
        part = check_part(check, outcome)
        parts.append(part)
        # A gate in the file's order spares the checks behind it: they may rest on what it demands.
        if decides(part):
            return parts, part
    return parts, None
