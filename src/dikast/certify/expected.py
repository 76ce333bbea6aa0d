"""What stands in a certificate about known answers: what was expected, what the judge said, what has changed since."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from dikast.certify.labels import Vote

Happened = Literal["broken", "lost", "mended", "changed"]
"""Met before and not now; met before and not to be had now; not met before and now; another answer, met neither time."""


class ExpectedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that a row of the labels expects of the judge."""

    id: str
    """Of the rollout."""
    item: int | None = None
    criterion: str
    content: str
    """First 16 hex digits of the SHA-256 of what is judged: by it the answer is found again, whatever the row is called."""
    expect: Vote
    said: Vote | None
    """The judge's answer, as its P(yes) is read; None where there is none."""
    value: float | None = None
    """P(yes)."""
    without: str | None = None
    """Why there is no answer: what is missing, or the gate that stops the candidate."""

    @property
    def key(self) -> tuple[str, str]:
        """What is equal for the same answer in another certificate."""
        return self.content, self.criterion

    @property
    def met(self) -> bool | None:
        """Whether the answer is the expected one; None where there is none."""
        return None if self.said is None else self.said == self.expect


class ChangedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An expected answer that is another than before."""

    id: str
    item: int | None = None
    criterion: str
    content: str
    what: Happened
    before: Vote | None
    after: Vote | None
    expect: Vote
    since: str
    """Date of the certificate in which it was found first."""

    @property
    def key(self) -> tuple[str, str]:
        """What is equal for the same answer in another certificate."""
        return self.content, self.criterion

    @property
    def is_open(self) -> bool:
        """Whether the answer was as expected once, and is not now."""
        return self.what in ("broken", "lost")


class Regression(msgspec.Struct, frozen=True, kw_only=True):
    """Known answers beside those of an earlier certificate. It is no part of the certificate's hash."""

    against: str
    """The earlier certificate's hash, and below its date, model and reward."""
    date: str
    model: str
    reward_hash: str
    pairs: int
    """Answers that both have."""
    worse: int
    """Of those: as expected then, not now."""
    better: int
    p: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """McNemar's exact test of the pairs, two-sided."""
    added: int
    """Expected answers that the earlier one does not have, and the other way round."""
    gone: int
    changes: tuple[ChangedAnswer, ...]
    """What changed since the earlier one; and what had broken before that and still is, since the date that it tells."""

    @property
    def broken(self) -> tuple[ChangedAnswer, ...]:
        """What was as expected once, and is answered otherwise now."""
        return tuple(change for change in self.changes if change.what == "broken")
