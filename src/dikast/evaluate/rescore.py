"""Scores logged rollouts again, group by group, and holds the new scores against those that they had.

    rescoring = Rescoring(log, "rl", groups, reward)
    rescoring.require_columns()
    with spilling(reward.journal) as spill:
        await rescoring.score(spill, tell)
        rescoring.changes(5, spill, one_range=True)
    rescoring.comparison.result(one_range=True)

The new scores are put aside in the spill, by the rollouts' numbers in the run; what is under way is in memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec

from dikast.errors import DataError
from dikast.evaluate.logged import LoggedGroup, rows_of
from dikast.evaluate.moved import change_of
from dikast.evaluate.replay import Comparison
from dikast.evaluate.replayed import Change
from dikast.journal import Journal
from dikast.records import Rollout, Score
from dikast.reward.reward import Reward
from dikast.reward.streaming import scored_groups
from dikast.spill import Spill

_encode = msgspec.json.Encoder().encode
_decode_score = msgspec.json.Decoder(Score).decode


class Rescoring:
    """One pass of a reward over groups that are logged."""

    def __init__(self, log: Journal, phase: str, groups: Sequence[LoggedGroup], reward: Reward) -> None:
        self._log = log
        self._phase = phase
        self._groups = groups
        self._reward = reward
        self.comparison = Comparison()

    @property
    def rollouts(self) -> int:
        return sum(len(group.places) for group in self._groups)

    def require_columns(self) -> None:
        """Raises `DataError` where the first rollout of a group lacks what the reward names; nothing is asked yet."""
        for group in self._groups:
            [first] = rows_of(self._log, self._phase, group._replace(places=group.places[:1]))
            self._require(group.step, first.rollout)

    async def score(self, spill: Spill, tell: Callable[[list[Score]], None], *, deadline: float | None = None) -> None:
        """Scores the groups in their order, and tells the scores of each. After `deadline` seconds what is open is missing."""
        until = None if deadline is None else asyncio.get_running_loop().time() + deadline
        waiting: deque[tuple[LoggedGroup, list[Score]]] = deque()
        async for scores in scored_groups(self._reward.engine, self._read(waiting), until):
            group, then = waiting.popleft()
            numbers = [place.number for place in group.places]
            self.comparison.add(group.step, numbers, then, scores)
            for number, score in zip(numbers, scores, strict=True):
                spill.keep_score(number, _encode(score))
            tell(scores)

    def changes(self, count: int, spill: Spill, *, one_range: bool) -> list[Change]:
        """Gives the rollouts that change most, read anew from the log and the spill."""
        most = self.comparison.most_changed(count, one_range=one_range)
        wanted = {one.number for one in most}
        where = {
            place.number: group._replace(places=[place])
            for group in self._groups
            for place in group.places
            if place.number in wanted
        }
        changes: list[Change] = []
        for one in most:
            [row] = rows_of(self._log, self._phase, where[one.number])
            now = _decode_score(spill.score(one.number))
            changes.append(change_of(where[one.number].step, row.score, now, by=one.by))
        return changes

    def _read(self, waiting: deque[tuple[LoggedGroup, list[Score]]]) -> Iterator[list[Rollout]]:
        """Reads the groups and notes what they had: scores come in the same order."""
        for group in self._groups:
            rows = rows_of(self._log, self._phase, group)
            waiting.append((group, [row.score for row in rows]))
            yield [row.rollout for row in rows]

    def _require(self, step: int, rollout: Rollout) -> None:
        try:
            self._reward.engine.require(rollout)
        except DataError as error:
            raise DataError(f"{self._log.path}: step {step}: {error}") from None
