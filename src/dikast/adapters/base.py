"""What an adapter needs of a reward: one that is opened here, or one that is served elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dikast.journal import Journal
from dikast.records import Rollout, Score
from dikast.reward.about import AboutReward


class AnyReward(Protocol):
    """A reward that scores."""

    journal: Journal

    @property
    def about(self) -> AboutReward:
        """What it says of itself."""
        ...

    async def ascore(self, rollouts: Sequence[Rollout], *, deadline: float | None = None) -> list[Score]:
        """Scores rollouts in their order."""
        ...

    def score(self, rollouts: Sequence[Rollout], *, deadline: float | None = None) -> list[Score]:
        """`ascore` for callers without an event loop."""
        ...
