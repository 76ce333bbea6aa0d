"""What a reward that is served says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from dikast.serve.opening import Served


class AboutReward(msgspec.Struct, frozen=True, kw_only=True):
    """A reward that is served."""

    name: str
    hash: str
    certificate_hash: str | None
    """Null where no certificate says what its judge is worth."""
    range: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)]
    model: str
    mode: str
    criteria: Sequence[str]
    """Those that the certificate leaves on."""


def about(served: Served) -> AboutReward:
    """Says it."""
    reward = served.reward
    return AboutReward(
        name=served.name,
        hash=reward.hash,
        certificate_hash=reward.certificate_hash,
        range=list(reward.range),
        model=reward.model,
        mode=reward.spec.file.judge.mode,
        criteria=[criterion.id for criterion in reward.criteria],
    )
