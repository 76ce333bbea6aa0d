"""Turns a batch of rollouts into scores: bind, check, judge group by group, aggregate.

A group's first unit is asked alone, so that the prefix which its siblings share is in the server's
cache when they follow. Where the model answers one request at a time, groups follow one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from dikast.checks.base import Checked, CheckFunction
from dikast.errors import DikastError
from dikast.judges.rubric import RubricJudge, Verdicts
from dikast.records import Part, Rollout, Score, Usage
from dikast.reward.aggregate import Judged, Reading, aggregate, check_parts, failed_gate, gated_score
from dikast.reward.binding import Bound, bind, case_of, duplicates
from dikast.spec.reward import CheckSpec, RewardSpec

GROUP_SIZE = 8
"""Usual number of rollouts of a prompt: so many requests of one group share a prefix at a time."""

Progress = Callable[[int], None]
T = TypeVar("T")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout that no gate stopped, with what its checks gave."""

    position: int
    bound: Bound
    parts: tuple[Part, ...]
    repeats: frozenset[int]
    """Items that repeat an earlier one; they are not asked."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """A reward put together: its file, compiled checks, judge and readings."""

    spec: RewardSpec
    checks: tuple[tuple[CheckSpec, CheckFunction], ...]
    judge: RubricJudge
    readings: Mapping[str, Reading]

    async def score(self, rollouts: Sequence[Rollout], *, progress: Progress | None = None) -> list[Score]:
        """Scores a batch, in its order. Raises `DataError` when a column is not there."""
        scores: dict[int, Score] = {}
        groups: dict[str, list[Task]] = {}
        for position, rollout in enumerate(rollouts):
            outcome = self.prepare(position, bind(self.spec, rollout))
            if isinstance(outcome, Score):
                scores[position] = outcome
                if progress:
                    progress(1)
            else:
                groups.setdefault(rollout.group, []).append(outcome)
        at_once = asyncio.Semaphore(max(1, self.judge.asker.model.capabilities.concurrency // GROUP_SIZE))

        async def run(tasks: list[Task]) -> None:
            async with at_once:
                async for task, score in self._score_group(tasks):
                    scores[task.position] = score
                    if progress:
                        progress(1)

        await side_by_side(run(tasks) for tasks in groups.values())
        return [scores[position] for position in range(len(rollouts))]

    def prepare(self, position: int, bound: Bound) -> Task | Score:
        """Runs the checks. A gate that fails gives the score at once; the rest goes on to the judge."""
        parts, gate = run_checks(self.checks, bound)
        if gate:
            return gated_score(self.spec.file, bound.rollout, parts, gate)
        return Task(position=position, bound=bound, parts=tuple(parts), repeats=frozenset(duplicates(bound)))

    async def _score_group(self, tasks: list[Task]) -> AsyncIterator[tuple[Task, Score]]:
        if self.judge.asker.model.capabilities.concurrency == 1:
            for task in tasks:
                yield task, await self._score_one(task)
            return
        first, rest = tasks[0], tasks[1:]
        yield first, await self._score_one(first)
        for task, score in zip(rest, await side_by_side(map(self._score_one, rest)), strict=True):
            yield task, score

    async def _score_one(self, task: Task) -> Score:
        bound = task.bound
        if any(part.missing for part in task.parts):
            return self._add_up(task, [], Usage())
        usage = Usage()
        judged: list[Judged] = []
        for item in bound.units():
            verdicts: Verdicts = {}
            if item not in task.repeats and self.judge.criteria:
                verdicts, cost = await self.judge.judge(case_of(bound, item))
                usage += cost
            judged.append(Judged(item=item, verdicts=verdicts, duplicate=item in task.repeats))
        return self._add_up(task, judged, usage)

    def _add_up(self, task: Task, judged: Sequence[Judged], usage: Usage) -> Score:
        return aggregate(
            self.spec.file,
            task.bound.rollout,
            task.parts,
            judged,
            self.readings,
            items=task.bound.items,
            usage=usage,
        )


def run_checks(checks: Iterable[tuple[CheckSpec, CheckFunction]], bound: Bound) -> tuple[list[Part], Part | None]:
    """Runs checks in their order, up to the first gate that fails; gives their parts and that gate's."""
    seen = Checked(rollout=bound.rollout, inputs=bound.inputs, parsed=bound.parsed, items=bound.items)
    parts: list[Part] = []
    for check, function in checks:
        parts += check_parts([(check, function(seen))])
        # A gate in the file's order spares the checks behind it: they may rest on what it demands.
        if gate := failed_gate(parts[-1:]):
            return parts, gate
    return parts, None


async def side_by_side(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs all at once and gives what they give, in order. The first error stops the others and comes as it is."""
    try:
        async with asyncio.TaskGroup() as running:
            jobs = [running.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        first = (failed.subgroup(DikastError) or failed).exceptions[0]
        raise first from first.__cause__
    return [job.result() for job in jobs]
