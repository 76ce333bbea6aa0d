"""Has a group's rollouts judged: each against criteria, or all against each other.

A model that answers one request at a time is asked in order.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from dikast.judges.base import Judge, Verdicts
from dikast.judges.priming import primed
from dikast.records import Missing, Part, Usage, Value, Verdict
from dikast.reward.binding import Bound, case_of, issue_text
from dikast.reward.parts import Judged
from dikast.spec.judge import PREFERENCE, Criterion
from dikast.spec.reward import RecallSpec, RewardFile

if TYPE_CHECKING:
    from dikast.reward.compare import Comparison


class Task(Value, frozen=True, kw_only=True):
    """A rollout that no gate stopped, with what its checks gave."""

    position: int
    bound: Bound
    parts: tuple[Part, ...]
    repeats: frozenset[int]
    """Items that repeat an earlier one; they are not asked."""


class Found(Value, frozen=True, kw_only=True):
    """What the judge says of one rollout."""

    judged: tuple[Judged, ...]
    covered: tuple[Verdict | Missing, ...] | None = None
    """For each of the expert's issues whether the set covers it, where the judge says so."""
    usage: Usage = Usage()


Tell = Callable[[Task, Found], None]


class Judging(Protocol):
    """How the rollouts of one group are judged."""

    def group(self, tasks: Sequence[Task], tell: Tell, *, until: float | None) -> Coroutine[Any, Any, None]:
        """Tells what is found of each rollout, as soon as it is there."""
        ...


class RubricJudging(msgspec.Struct, frozen=True, kw_only=True):
    """Each rollout by itself, against criteria."""

    judge: Judge
    criteria: tuple[Criterion, ...]
    file: RewardFile

    def group(self, tasks: Sequence[Task], tell: Tell, *, until: float | None) -> Coroutine[Any, Any, None]:
        """Judges the first alone where that spares the others their prefix, then the rest side by side."""
        return self._one(tasks[0], tell, until) if len(tasks) == 1 else self._several(tasks, tell, until)

    async def _several(self, tasks: Sequence[Task], tell: Tell, until: float | None) -> None:
        if self.judge.capabilities.concurrency == 1:
            for task in tasks:
                await self._one(task, tell, until)
        else:
            work = [partial(self._one, task, tell, until) for task in tasks]
            await primed(work, prefix=self._prefix(tasks[0]))

    def _prefix(self, task: Task) -> int:
        """Characters that all questions about the group share."""
        documents = sum(len(text) for _, text in case_of(task.bound, None).documents)
        return documents + len(self.file.objective) + sum(len(c.ask) for c in self.criteria)

    async def _one(self, task: Task, tell: Tell, until: float | None) -> None:
        if task.bound.is_set:
            tell(task, await self._set(task, until))
            return
        [verdicts], usage = await self.judge.judge([case_of(task.bound, None)], self.criteria, until=until)
        tell(task, Found(judged=(Judged(item=None, verdicts=verdicts),), usage=usage))

    async def _set(self, task: Task, until: float | None) -> Found:
        bound = task.bound
        asked = [item for item in bound.units() if item not in task.repeats]
        verdicts, usage = await self.judge.judge([case_of(bound, item) for item in asked], self.criteria, until=until)
        by_item: dict[int | None, Verdicts] = dict(zip(asked, verdicts, strict=True))
        judged = tuple(
            Judged(item=item, verdicts=by_item.get(item, {}), duplicate=item in task.repeats) for item in bound.units()
        )
        if self.file.recall is None or self.file.recall.key is not None:
            return Found(judged=judged, usage=usage)
        covered, cost = await self._covered(bound, self.file.recall, until)
        return Found(judged=judged, covered=covered, usage=usage + cost)

    async def _covered(
        self, bound: Bound, recall: RecallSpec, until: float | None
    ) -> tuple[tuple[Verdict | Missing, ...], Usage]:
        """Asks of each of the expert's issues whether some item raises it, the whole set in view."""
        issues = bound.rollout.column(recall.issues)
        criteria = [Criterion(id=f"issue-{at}", ask=issue_text(issue)) for at, issue in enumerate(issues, start=1)]
        if not criteria or not bound.items:
            # Nothing to find, or nothing that could have found it: no question is needed.
            return tuple(Verdict(value=0.0) for _ in criteria), Usage()
        [verdicts], usage = await self.judge.judge([case_of(bound, None)], criteria, until=until)
        return tuple(verdicts[criterion.id] for criterion in criteria), usage


class PreferenceJudging(msgspec.Struct, frozen=True, kw_only=True):
    """The rollouts of a group against each other, or against the reference."""

    comparison: Comparison

    async def group(self, tasks: Sequence[Task], tell: Tell, *, until: float | None) -> None:
        """Compares them all; whoever a gate stopped takes no part."""
        worths = await self.comparison.compare([task.bound for task in tasks], until=until)
        for task, (worth, usage) in zip(tasks, worths, strict=True):
            tell(task, Found(judged=(Judged(item=None, verdicts={PREFERENCE: worth}),), usage=usage))
