"""What flows through dikast: values, no I/O.

A rollout goes in, a score comes out. In between, a judge's answer to one criterion is a `Verdict`,
and whatever could not be had is a `Missing` with its reason. Nothing here turns one into the other.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

MissingReason = Literal[
    "timeout",
    "transport",
    "rate_limited",
    "rejected",
    "refused",
    "truncated",
    "unparsable",
    "bad_evidence",
    "over_budget",
    "expired",
    "check_error",
    "not_applicable",
]
MISSING_REASONS: tuple[str, ...] = get_args(MissingReason)

PartKind = Literal["check", "criterion", "preference"]
Status = Literal["scored", "gated", "missing"]


class Value(msgspec.Struct, frozen=True, gc=False):
    """A tree of plain data. Nothing in it can hold it in turn, so the garbage collector is spared the look."""


class Message(Value, frozen=True, kw_only=True):
    """One turn of a chat."""

    role: str
    content: str


class Rollout(Value, frozen=True, kw_only=True):
    """One completion of one prompt: the thing a reward is for."""

    id: str
    group: str
    """Rollouts of one prompt share it."""
    prompt: str | tuple[Message, ...]
    completion: str
    reference: str | None = None
    """What a good completion agrees with, where the task has such a text."""
    columns: dict[str, Any] = {}
    """Every further column of the row; a reward's inputs and checks name them."""

    def column(self, name: str) -> Any:
        """Gives a column by its name, the fixed ones included; KeyError when the row has none."""
        if name in ("prompt", "completion", "reference", "id", "group"):
            return getattr(self, name)
        return self.columns[name]


class Missing(Value, frozen=True):
    """A verdict or score that could not be had. Never a number."""

    reason: MissingReason
    detail: str = ""


class Verdict(Value, frozen=True, kw_only=True):
    """A judge's answer to one criterion."""

    value: float | None
    """Probability of yes in 0..1 (0 or 1 where the model only says yes or no; of a scale its share); None is n/a."""
    reason: str | None = None
    evidence: str | None = None
    votes: tuple[float | None, ...] | None = None
    """What each member of a panel said, in the panel's order; None where it said nothing or n/a."""
    by: str | None = None
    """The fallback model, where it gave the verdict."""


class Part(Value, frozen=True, kw_only=True):
    """One component of a score: a check, a criterion, a preference; of an item where the output is a set."""

    name: str
    kind: PartKind
    value: float | None
    """In 0..1; None where the part is n/a or missing."""
    weight: float
    """The weight the file gives; 0 for a gate."""
    item: int | None = None
    gate: bool = False
    na: bool = False
    missing: MissingReason | None = None
    reason: str | None = None
    evidence: str | None = None
    votes: tuple[float | None, ...] | None = None
    """What each member of a panel said, before the certificate's reading and the sign."""
    by: str | None = None
    """The fallback model, where it gave the verdict."""


class Usage(Value, frozen=True, kw_only=True):
    """What a score cost. Tokens and seconds count only questions really asked, not the journal's."""

    questions: int = 0
    """Questions the score needed."""
    asked: int = 0
    """Of these, put to a model now; the rest came from the journal or an equal sibling."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that the server took from its prefix cache."""
    completion_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            questions=self.questions + other.questions,
            asked=self.asked + other.asked,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=self.seconds + other.seconds,
        )


class Score(Value, frozen=True, kw_only=True):
    """The reward of one rollout: a value inside the declared range, or missing; with its parts."""

    id: str
    group: str
    score: float | None
    status: Status
    missing: MissingReason | None = None
    detail: str | None = None
    """What went wrong, where something is missing, or which gate decided."""
    parts: tuple[Part, ...] = ()
    usage: Usage = Usage()
