"""What can go wrong, and what a command then exits with.

    DikastError
    ├── UsageError            2   the user's file, option or data; says where and how to mend it
    │   ├── ConfigError           reward.yaml, run.yaml, models.yaml
    │   └── DataError             rollouts, labels, ratings
    ├── NotGoodEnoughError    1   what was measured is not good enough
    ├── NotEnoughDataError    3   too little data to say
    ├── UnavailableError      4   network, disk, credentials, a model that is not there
    └── ModelError                one request to a model failed

Three mechanisms, each in one place:

1. A bad file or option raises a `UsageError` when things are put together, before a model is called.
2. A request that failed after its retries raises `ModelError` with one of the reasons of
   `records.MissingReason`; `judges.ask` alone turns it into a `Missing`. A bad judgment is data.
3. Wrong credentials or an unknown model would fail every request alike: they raise
   `UnavailableError` and stop the command.

Anything else that escapes is a bug of ours: the command line says so and exits with 70.
"""

from __future__ import annotations

from dikast.records import MissingReason


class DikastError(Exception):
    """The root of all errors that dikast raises on purpose."""

    exit_code: int = 70


class UsageError(DikastError):
    """A usage or input error: one line that says where and how to mend it."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file that cannot be used; the message starts with the file."""


class DataError(UsageError):
    """A data file that cannot be used; the message starts with the file and the line."""


class NotGoodEnoughError(DikastError):
    """What was measured is not good enough: a red certificate, a stopped run."""

    exit_code = 1


class NotEnoughDataError(DikastError):
    """There is not enough data to say."""

    exit_code = 3


class UnavailableError(DikastError):
    """The environment lacks something: network, disk, credentials, a model."""

    exit_code = 4


class ModelError(DikastError):
    """One request to a model failed, after its retries."""

    exit_code = 4

    def __init__(self, reason: MissingReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: MissingReason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ModelError], tuple[MissingReason, str]]:
        # Trainers raise it from one process into another.
        return type(self), (self.reason, self.detail)
