"""Fine-tune language models against the judgment of another one, and make that judgment worth trusting.

import dikast

reward = dikast.load("reward.yaml", certificate="certificate.json", journal=".dikast/journal.db")
scores = reward.score(dikast.read_rollouts("rollouts.jsonl"))
"""

from typing import TYPE_CHECKING, Any

from dikast.errors import (
    ConfigError,
    DataError,
    DikastError,
    ModelError,
    NotEnoughDataError,
    NotGoodEnoughError,
    UnavailableError,
    UsageError,
)
from dikast.loading import load
from dikast.records import Message, Missing, Part, Rollout, Score, Usage, Verdict
from dikast.rollouts import read_rollouts, write_rows

if TYPE_CHECKING:
    from dikast.serve.client import RemoteReward

__all__ = [
    "ConfigError",
    "DataError",
    "DikastError",
    "Message",
    "Missing",
    "ModelError",
    "NotEnoughDataError",
    "NotGoodEnoughError",
    "Part",
    "RemoteReward",
    "Rollout",
    "Score",
    "UnavailableError",
    "Usage",
    "UsageError",
    "Verdict",
    "load",
    "read_rollouts",
    "write_rows",
]


def __getattr__(name: str) -> Any:
    """Loads the client of a reward server when it is first named: it takes longer than all the rest."""
    if name == "RemoteReward":
        from dikast.serve.client import RemoteReward

        return RemoteReward
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
