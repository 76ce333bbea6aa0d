"""Fine-tune language models against the judgment of another one, and make that judgment worth trusting.

import dikast

reward = dikast.load("reward.yaml", certificate="certificate.json", journal=".dikast/journal.db")
scores = reward.score(dikast.read_rollouts("rollouts.jsonl"))
"""

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
