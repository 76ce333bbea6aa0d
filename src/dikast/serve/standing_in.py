"""What a trainer gets for a missing score, where its shape has no word for it.

`group_mean` waits for siblings and gives their mean; where none is scored when the deadline comes, the group is
dropped if the trainer drops one for a NaN, and the request fails if it does not. `native` and `drop` are that NaN at
once. A constant must be asked for; `raise` fails the request.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from dikast.adapters.missing import require_in_range
from dikast.adapters.siblings import ENOUGH_SIBLINGS, Siblings
from dikast.errors import ModelError, UsageError
from dikast.records import Score
from dikast.spec.run import Constant, OnMissing
from dikast.tasks import side_by_side


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """The choice for one request."""

    on_missing: OnMissing | Constant
    drops_nan: bool = False
    """Whether the trainer drops a group for a NaN in it."""
    enough: int = ENOUGH_SIBLINGS
    """Siblings that are waited for. All but one of the group make the failed one's advantage exactly zero."""

    def check(self, limits: tuple[float, float]) -> None:
        """Raises `UsageError` where the trainer or the reward has no such way."""
        require_in_range(self.on_missing, limits)
        if self.on_missing in ("native", "drop") and not self.drops_nan:
            raise UsageError(
                f"on_missing={self.on_missing}: this trainer drops nothing; choose group_mean, raise or a constant "
                "(OpenRLHF drops groups with --algo.dynamic_filtering_enable: say so with dynamic_filtering=true)"
            )

    async def rewards(self, scores: Sequence[Score], siblings: Siblings, *, until: float) -> list[float]:
        """Gives a number for each score, NaN where the group is to be dropped.

        Raises `ModelError` where a missing score has no number.
        """
        if all(score.score is not None for score in scores):
            return [score.score for score in scores if score.score is not None]
        return await side_by_side(self._one(score, siblings, until) for score in scores)

    async def _one(self, score: Score, siblings: Siblings, until: float) -> float:
        if score.score is not None:
            return score.score
        if isinstance(self.on_missing, Constant):
            return self.on_missing.constant
        if self.on_missing == "group_mean":
            mean = await siblings.mean(score.group, enough=self.enough, until=until)
            if mean is not None:
                return mean
        if self.drops_nan and self.on_missing != "raise":
            return math.nan
        raise ModelError(score.missing or "transport", f"rollout '{score.id}': {score.detail}")
