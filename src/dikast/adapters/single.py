"""For trainers that ask about one rollout at a time, from any of several processes.

No sibling is known here, so a missing score has no group mean to stand in for it, and a judge that compares the
rollouts of a prompt has nothing to compare.
"""

from __future__ import annotations

import time
from pathlib import Path

from dikast.adapters.base import AnyReward
from dikast.adapters.log import ScoreLog
from dikast.adapters.missing import Coverage, require_in_range
from dikast.adapters.opening import DEADLINE, RewardSettings, require_deadline
from dikast.errors import ConfigError, ModelError
from dikast.records import Rollout, Score
from dikast.reward.blocking import run_beside
from dikast.spec.run import Constant, OnMissing


class SingleScorer:
    """Scores rollouts as they come, each within the deadline."""

    def __init__(
        self,
        reward: AnyReward,
        *,
        trainer: str,
        on_missing: OnMissing | Constant = "native",
        deadline: float = DEADLINE,
        log: Path | None = None,
    ) -> None:
        require_single(reward, trainer=trainer, on_missing=on_missing)
        require_deadline(deadline, where=trainer)
        self.reward = reward
        self.on_missing: OnMissing | Constant = on_missing
        self.deadline = deadline
        self.coverage = Coverage()
        self.log = None if log is None else ScoreLog(log)

    @classmethod
    def of(cls, settings: RewardSettings, *, trainer: str) -> SingleScorer:
        """Opens what settings name."""
        return cls(
            settings.open(),
            trainer=trainer,
            on_missing=settings.on_missing,
            deadline=settings.deadline,
            log=settings.log_folder,
        )

    async def score(self, rollout: Rollout, *, step: int | None = None) -> Score:
        """Scores a rollout. Raises `NotGoodEnoughError` while too many of the latest are missing."""
        [score] = await run_beside(self.reward.ascore([rollout], deadline=self.deadline))
        return self._noted(rollout, score, step)

    def score_now(self, rollout: Rollout, *, step: int | None = None) -> Score:
        """`score` for trainers that cannot await."""
        [score] = self.reward.score([rollout], deadline=self.deadline)
        return self._noted(rollout, score, step)

    def number(self, score: Score) -> float:
        """Gives the reward, or the constant that was asked for. Raises `ModelError` for a missing score."""
        if score.score is not None:
            return score.score
        if isinstance(self.on_missing, Constant):
            return self.on_missing.constant
        raise missing_error(score)

    def part_values(self, score: Score) -> dict[str, float | None]:
        """Gives every part of the reward by name, of a set the mean of its items; None for what was not asked.

        The names are the same for every score: some trainers take them from the first.
        """
        held: dict[str, list[float]] = {name: [] for name in self.reward.about.parts}
        for part in score.parts:
            if part.value is not None and part.name in held:
                held[part.name].append(part.value)
        return {name: _mean(values) for name, values in held.items()}

    def _noted(self, rollout: Rollout, score: Score, step: int | None) -> Score:
        if self.log is not None:
            self.log.add(rollout, score, step=step, at=time.time())
        self.coverage.watch([score])
        return score


def require_single(reward: AnyReward, *, trainer: str, on_missing: OnMissing | Constant) -> None:
    """Raises `ConfigError` for what cannot be had of one rollout alone."""
    require_in_range(on_missing, reward.about.range)
    if on_missing == "group_mean":
        raise ConfigError(
            f"on_missing: {trainer} asks about one rollout at a time, so no group's mean is known; "
            "use native, raise or {constant: x}, or let 'dikast serve' wait for the siblings"
        )
    if reward.about.compares_siblings:
        raise ConfigError(
            f"'{reward.about.name}': judge: it compares the rollouts of a prompt with each other, and {trainer} asks "
            "about one at a time; use 'compare: reference' or a rubric"
        )


def missing_error(score: Score) -> ModelError:
    """What is raised for a missing score: its reason, and which rollout it was."""
    return ModelError(score.missing or "rejected", f"rollout '{score.id}': {score.detail}")


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
