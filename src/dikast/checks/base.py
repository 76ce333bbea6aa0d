"""What a check sees and what it says: the same for every kind.

A check says how far a rollout passes, in 0..1. Only a user's own function, a pattern that was stopped
or a schema that never ends can leave it without an answer; then it is `Missing`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from dikast.records import Missing, Rollout, Value

MAX_REASON = 200
"""Characters of a reason. It may echo the candidate, which can be long and odd."""


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class NotJson(enum.Enum):
    """The type of `NOT_JSON`."""

    NOT_JSON = "not JSON"


NOT_JSON: Final = NotJson.NOT_JSON
"""Stands for the JSON value of a completion that is no JSON; None is a JSON value."""


class Outcome(Value, frozen=True, kw_only=True):
    """How far a rollout passes a check."""

    value: float
    """In 0..1. A gate passes at 1 only."""
    reason: str | None = None
    """Why it is not 1, short and printable, for people."""
    item: int | None = None
    """The first item at fault, where the output is a set."""


class Checked(Value, frozen=True, kw_only=True):
    """What a check sees of one rollout."""

    rollout: Rollout
    documents: tuple[tuple[str, str], ...]
    """(shown name, text) of the reward's inputs."""
    parsed: Any
    """The completion's JSON value, or `NOT_JSON`."""
    items: tuple[Any, ...] | None
    """The items of the set; None where the reward names none or the JSON holds no list there."""

    @property
    def inputs(self) -> dict[str, str]:
        """Shown name → text."""
        return dict(self.documents)


CheckFunction = Callable[[Checked], Outcome | Missing]

PASSED: Final = Outcome(value=1.0)


def short(text: str) -> str:
    """Gives a text as one short printable line, so that nothing odd from a candidate gets into a log or a file."""
    line = " ".join(text[: 2 * MAX_REASON].split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
