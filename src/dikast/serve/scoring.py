"""From a request's body to its answer: read, judge within the deadline, stand in for what is missing, write."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from dikast.adapters.nemo_gym import MASKED
from dikast.errors import DataError, UsageError
from dikast.records import Rollout, Score
from dikast.serve.backlog import Backlog
from dikast.serve.dialects.base import Answered, Asked, Dialect
from dikast.serve.metrics import Metrics
from dikast.serve.opening import Served
from dikast.serve.options import Options, deadline_of, require_known, stand_in_of
from dikast.serve.settings import Settings
from dikast.serve.standing_in import StandIn


class Scoring:
    """Answers requests in all shapes."""

    def __init__(self, settings: Settings, backlog: Backlog, metrics: Metrics) -> None:
        self.settings = settings
        self.backlog = backlog
        self.metrics = metrics

    async def answer(self, dialect: Dialect, served: Served, body: bytes, options: Options, *, began: float) -> bytes:
        """Gives an answer's body. `began` is when the request came, by the event loop's clock.

        Raises `UsageError` for a request that cannot be understood, `ModelError` for a score that must be there
        and is missing, `NotGoodEnoughError` while too many are, `BusyError`.
        """
        require_known(options, dialect.options)
        stand_in = stand_in_of(options, self.settings.on_missing, drops_nan=dialect.drops_nan(options))
        if dialect.missing == "number":
            stand_in.check(served.reward.range)
        self._require_alone(dialect, served)
        asked = _read(dialect, body, options)
        otherwise = deadline_of(options.get("deadline"), self.settings.deadline)
        until = began + (otherwise if asked.deadline is None else asked.deadline)
        scores = await self._scores(served, asked.rollouts, until)
        rewards = await _rewards(dialect, served, scores, stand_in, until)
        return dialect.write(
            Answered(asked=asked, scores=scores, rewards=rewards, options=options, reward=served.reward)
        )

    async def _scores(self, served: Served, rollouts: Sequence[Rollout], until: float) -> list[Score]:
        left = max(0.0, until - asyncio.get_running_loop().time())
        try:
            with self.backlog.judging(len(rollouts)):
                scores = await served.reward.ascore(rollouts, deadline=left)
        except RecursionError:
            raise DataError("a column is nested too deeply to be shown to a judge") from None
        served.siblings.note(scores)
        self.metrics.scored(served.name, scores)
        return scores

    def _require_alone(self, dialect: Dialect, served: Served) -> None:
        if dialect.one_by_one and served.reward.about.compares_siblings:
            raise UsageError(
                f"'{served.name}' compares the rollouts of a prompt with each other, and {dialect.trainer} sends them "
                "one by one; use 'compare: reference', or send groups to /v1/score"
            )


def _read(dialect: Dialect, body: bytes, options: Options) -> Asked:
    try:
        return dialect.read(body, options)
    except RecursionError:
        raise DataError("the body is nested too deeply") from None


async def _rewards(
    dialect: Dialect, served: Served, scores: Sequence[Score], stand_in: StandIn, until: float
) -> Sequence[float]:
    if dialect.missing == "word":
        return ()
    if dialect.missing == "masked":
        stand_in = StandIn(on_missing="group_mean", drops_nan=True, enough=stand_in.enough)
        numbers = await stand_in.rewards(scores, served.siblings, until=until)
        return [MASKED if math.isnan(number) else number for number in numbers]
    # Nobody else counts for a trainer that is given numbers only.
    served.coverage.watch(scores)
    return await stand_in.rewards(scores, served.siblings, until=until)
