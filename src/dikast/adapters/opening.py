"""What a trainer's own configuration says about the reward, as a mapping of plain values.

{"reward": "/data/reward.yaml", "certificate": "/data/certificate.json", "journal": "/data/journal.db",
"on_missing": "native", "deadline": 120, "log": "/data/scores"}

or, where `dikast serve` has it, {"reward": "http://rewards:8600/contract-review", ...}; the name may be left out where
it serves one, and the token is taken from DIKAST_SERVE_TOKEN.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dikast.adapters.base import AnyReward
from dikast.errors import ConfigError
from dikast.loading import load
from dikast.remote.client import RemoteReward, is_address
from dikast.spec.run import Constant, OnMissing

DEADLINE = 120.0
"""Seconds for a whole call where none are given; most trainers have no limit of their own. Judgement."""


class RewardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which reward, and what a trainer gets of it. Relative paths are those of the process that scores."""

    reward: str
    """Its file, or the address where it is served."""
    certificate: str | None = None
    journal: str | None = None
    on_missing: OnMissing | Constant = "native"
    deadline: float = DEADLINE
    """Seconds for a whole call; what is open then is missing as `expired`."""
    log: str | None = None
    """Folder for a file of scores a process, for trainers that log no parts."""

    @property
    def log_folder(self) -> Path | None:
        return None if self.log is None else Path(self.log)

    def __post_init__(self) -> None:
        if not is_address(self.reward):
            return
        for name in ("certificate", "journal"):
            if getattr(self, name) is not None:
                raise ConfigError(
                    f"{name}: the server at {self.reward} has its own; leave it out here, and give it to 'dikast serve'"
                )

    def open(self) -> AnyReward:
        """Opens the reward. Raises `ConfigError`, and `UnavailableError` where it is served and nothing answers."""
        if is_address(self.reward):
            return RemoteReward.at(self.reward)
        return load(self.reward, certificate=self.certificate, journal=self.journal)


def read_settings(given: Mapping[str, Any], *, where: str) -> RewardSettings:
    """Reads settings; `where` is how the trainer's configuration calls them. Raises `ConfigError`."""
    try:
        settings = msgspec.convert(dict(given), RewardSettings, strict=False)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{where}: {error}") from None
    require_deadline(settings.deadline, where=where)
    return settings


def require_deadline(seconds: float, *, where: str) -> None:
    """Raises `ConfigError` for a deadline that nothing could be judged in."""
    if not seconds > 0:
        raise ConfigError(f"{where}: deadline must be more than 0 seconds, not {seconds}")
