"""Why a request gets no scores, with the status that says so."""

from __future__ import annotations

from dikast.errors import DikastError, UsageError


class RefusedError(DikastError):
    """A request that is not answered with scores now."""

    status = 503

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which the same request may do better."""


class BusyError(RefusedError):
    """As much is under way as may be."""

    status = 429


class DrainingError(RefusedError):
    """The server is about to end."""


class UnknownRewardError(RefusedError):
    """No reward of that name is served here."""

    status = 404


class NotJsonError(UsageError):
    """A body that is no JSON."""
