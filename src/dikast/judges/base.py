"""What every judge is: cases and criteria in, a verdict for each out."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from dikast.judges.render import Case
from dikast.models.base import Capabilities
from dikast.records import Missing, Usage, Verdict
from dikast.spec.judge import Criterion

Verdicts = dict[str, Verdict | Missing]
"""criterion id → what the judge said, or why there is nothing."""


class Judge(Protocol):
    """Answers criteria about cases: one model, a panel of them, or one with another behind it."""

    @property
    def name(self) -> str:
        """The model or models asked."""
        ...

    @property
    def fingerprint(self) -> str:
        """What tells the model or models from others under the same name."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What all of them can do."""
        ...

    def judge(
        self, cases: Sequence[Case], criteria: Sequence[Criterion], *, repeat: int = 0, until: float | None = None
    ) -> Coroutine[Any, Any, tuple[list[Verdicts], Usage]]:
        """Gives the verdicts on each case, in order. The cases share their documents.

        After `until`, in seconds of the event loop's clock, whatever is still open is missing as `expired`.
        """
        ...

    async def close(self) -> None:
        """Lets go of the models."""
        ...
