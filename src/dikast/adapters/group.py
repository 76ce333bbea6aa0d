"""For trainers that hand over the rollouts of one prompt together, in any of their processes and event loops."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

from dikast.adapters.log import ScoreLog
from dikast.adapters.missing import Coverage, require_in_range
from dikast.adapters.opening import RewardSettings, require_deadline
from dikast.records import Rollout, Score
from dikast.reward.blocking import run_beside


class GroupScorer:
    """An open reward with what is kept beside it: one for each settings and process."""

    def __init__(self, settings: RewardSettings) -> None:
        require_deadline(settings.deadline, where="settings")
        self.settings = settings
        self.reward = settings.open()
        require_in_range(settings.on_missing, self.reward.about.range)
        self.coverage = Coverage()
        self.log = None if settings.log_folder is None else ScoreLog(settings.log_folder)

    async def score(self, rollouts: Sequence[Rollout], *, step: int | None = None) -> list[Score]:
        """Scores a group within the deadline. Raises `NotGoodEnoughError` while too many of the latest are missing."""
        scores = await run_beside(self.reward.ascore(rollouts, deadline=self.settings.deadline))
        if self.log is not None:
            for rollout, score in zip(rollouts, scores, strict=True):
                self.log.add(rollout, score, step=step, at=time.time())
        self.coverage.watch(scores)
        return scores


@cache
def group_scorer(settings: RewardSettings) -> GroupScorer:
    """The scorer of this process."""
    return GroupScorer(settings)
