"""Our own shape: rollouts as a file has them, scores as a file gets them. `POST /v1/score`, and so `RemoteReward`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dikast.records import Score
from dikast.remote.terms import MOST_SECONDS
from dikast.rollouts import rollout_of
from dikast.serve.dialects.base import Answered, Asked, Dialect
from dikast.serve.dialects.base import decoded as decode
from dikast.serve.options import Options


class ScoreRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rollouts to score."""

    rollouts: list[dict[str, Any]]
    """As in a file of rollouts; those of one prompt belong into one request where the judge compares them."""
    deadline: Annotated[float, msgspec.Meta(gt=0, le=MOST_SECONDS)] | None = None
    """Seconds for the request; what is open then is missing as `expired`."""


class ScoreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The scores, in the order of the rollouts."""

    reward: str
    reward_hash: str
    certificate_hash: str | None
    scores: Sequence[Score]


def read(body: bytes, options: Options) -> Asked:
    """Reads a request. Raises `DataError`."""
    sent = decode(body, ScoreRequest)
    rollouts = [rollout_of(row, path=Path("rollouts"), line=place) for place, row in enumerate(sent.rollouts, 1)]
    return Asked(rollouts=rollouts, deadline=sent.deadline)


def write(answered: Answered) -> bytes:
    """Writes the scores."""
    reward = answered.reward
    return msgspec.json.encode(
        ScoreAnswer(
            reward=reward.spec.file.name,
            reward_hash=reward.hash,
            certificate_hash=reward.certificate_hash,
            scores=answered.scores,
        )
    )


DIALECT = Dialect(name="score", trainer="dikast", read=read, write=write, one_by_one=False, missing="word")
