"""What a trainer gets for a missing score, and when so many are missing that a run must not go on."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Sequence

from dikast.errors import ConfigError, ModelError, NotGoodEnoughError
from dikast.records import Score
from dikast.spec.run import Constant, OnMissing

WARN_SHARE = 0.05
PAUSE_SHARE = 0.10
WINDOW_ROLLOUTS = 200
WINDOW_STEPS = 4
LOG = logging.getLogger("dikast")
"""Where warnings go that a trainer has no other place for."""


def require_in_range(on_missing: OnMissing | Constant, limits: tuple[float, float]) -> None:
    """Raises `ConfigError` where a constant lies outside the reward's range."""
    low, high = limits
    if isinstance(on_missing, Constant) and not low <= on_missing.constant <= high:
        raise ConfigError(f"on_missing: constant {on_missing.constant} is outside the reward's range [{low}, {high}]")


def rewards_of(
    scores: Sequence[Score], on_missing: OnMissing | Constant, limits: tuple[float, float]
) -> list[float | None]:
    """Gives the trainer's numbers; None is the trainer's own word for missing.

    `group_mean` gives the mean of the group's valid scores: an advantage of zero under a group-mean
    baseline, not under a critic. A group without a valid score stays None. `drop` is None too: a
    trainer that masks None drops the rollout.
    """
    if isinstance(on_missing, Constant):
        require_in_range(on_missing, limits)
        return [on_missing.constant if score.score is None else score.score for score in scores]
    if on_missing == "raise":
        for score in scores:
            if score.missing is not None:
                raise ModelError(score.missing, f"rollout '{score.id}': {score.detail}")
    if on_missing == "group_mean":
        means = _group_means(scores)
        return [means.get(score.group) if score.score is None else score.score for score in scores]
    return [score.score for score in scores]


def _group_means(scores: Sequence[Score]) -> dict[str, float]:
    valid: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        if score.score is not None:
            valid[score.group].append(score.score)
    return {group: sum(values) / len(values) for group, values in valid.items()}


class Coverage:
    """Watches the share of missing scores over the last max(200 rollouts, 4 steps)."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, int]] = deque()
        self._warned = False

    def add(self, scores: Sequence[Score]) -> float:
        """Counts a step's scores and gives the share missing in the window. Raises `NotGoodEnoughError` at 10 %.

        One failed judgment of eight says little: nothing stops before the fourth step, and until 200 rollouts are
        there, as many must be missing as would be a tenth of 200. A short run can be stopped too.
        """
        self._steps.append((len(scores), sum(score.missing is not None for score in scores)))
        while len(self._steps) > WINDOW_STEPS and self._rollouts() - self._steps[0][0] >= WINDOW_ROLLOUTS:
            self._steps.popleft()
        rollouts, missing = self._rollouts(), sum(missing for _, missing in self._steps)
        if len(self._steps) >= WINDOW_STEPS and missing >= PAUSE_SHARE * max(rollouts, WINDOW_ROLLOUTS):
            raise NotGoodEnoughError(
                f"{missing} of the last {rollouts} scores are missing (limit {PAUSE_SHARE:.0%} of at least "
                f"{WINDOW_ROLLOUTS}); mend the judge, then run the same command again to go on from the last checkpoint"
            )
        return missing / max(1, rollouts)

    def watch(self, scores: Sequence[Score]) -> None:
        """`add` for rollouts that come a few at a time: warns once when 5 % are missing, of 200 at least."""
        share, rollouts = self.add(scores), self._rollouts()
        much = share * rollouts >= WARN_SHARE * max(rollouts, WINDOW_ROLLOUTS)
        if much and not self._warned:
            LOG.warning("%.1f%% of the last %d scores are missing; mend the judge", 100 * share, rollouts)
        self._warned = much

    def _rollouts(self) -> int:
        return sum(rollouts for rollouts, _ in self._steps)
