"""Turns a batch of rollouts into scores: bind, check, judge group by group, aggregate."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from dikast.checks.base import Checked, CheckFunction
from dikast.records import Part, Rollout, Score
from dikast.reward.aggregate import Aggregator
from dikast.reward.binding import Bound, bind, duplicates
from dikast.reward.judging import Judging, Task
from dikast.reward.parts import check_parts, failed_gate
from dikast.spec.checks import CheckSpec
from dikast.spec.reward import RewardSpec
from dikast.tasks import side_by_side

Progress = Callable[[int], None]


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
        scores: dict[int, Score] = {}
        groups: dict[str, list[Task]] = {}
        for position, rollout in enumerate(rollouts):
            outcome = self.prepare(position, bind(self.spec, rollout))
            if isinstance(outcome, Task):
                groups.setdefault(rollout.group, []).append(outcome)
            else:
                scores[position] = outcome
                if progress:
                    progress(1)
        room = _Room(self.concurrency)

        async def run(tasks: list[Task]) -> None:
            async with room.of(len(tasks)):
                async for task, found in self.judging.group(tasks, until=until):
                    scores[task.position] = self.aggregator.add_up(
                        task.bound.rollout,
                        task.parts,
                        found.judged,
                        items=task.bound.items,
                        covered=found.covered,
                        usage=found.usage,
                    )
                    if progress:
                        progress(1)

        await side_by_side(run(tasks) for tasks in groups.values())
        return [scores[position] for position in range(len(rollouts))]

    def prepare(self, position: int, bound: Bound) -> Task | Score:
        """Runs the checks. A gate that fails, or a check without an answer, gives the score at once; the rest is judged."""
        parts, gate = run_checks(self.checks, bound)
        if gate:
            return self.aggregator.gated(bound.rollout, parts, gate)
        if any(part.missing for part in parts):
            return self.aggregator.add_up(bound.rollout, parts, [])
        return Task(position=position, bound=bound, parts=tuple(parts), repeats=frozenset(duplicates(bound)))


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


class _Room:
    """Lets in as many rollouts at once as the judge takes, whole groups at a time and in their order.

    How many requests are really under way is the model client's business; this bounds what waits for it.
    """

    def __init__(self, places: int) -> None:
        self._places = max(1, places)
        self._free = self._places
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, rollouts: int) -> AsyncGenerator[None]:
        """Waits for so many places; a group that is larger than the room has it alone."""
        wanted = min(rollouts, self._places)
        if self._waiting or self._free < wanted:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((wanted, turn))
            # Stopped while it waits, it only leaves the queue: the batch stops as a whole.
            await turn
        else:
            self._free -= wanted
        try:
            yield
        finally:
            self._free += wanted
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= wanted
                turn.set_result(None)
