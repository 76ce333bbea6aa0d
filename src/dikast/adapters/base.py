"""What an adapter needs of a reward: one that is opened here, or one that is served elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dikast.journal import Journal
from dikast.records import Rollout, Score


class AnyReward(Protocol):
    """A reward that scores."""

    journal: Journal
    certificate_hash: str | None

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved reward."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """The declared range."""
        ...

    async def ascore(self, rollouts: Sequence[Rollout], *, deadline: float | None = None) -> list[Score]:
        """Scores rollouts in their order."""
        ...
