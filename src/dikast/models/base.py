"""What a judge asks of a model, and what comes back: the same for every provider."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Literal, Protocol

import msgspec

from dikast.records import Message, Value

answer_begun: ContextVar[Callable[[], None] | None] = ContextVar("answer_begun", default=None)
"""Called when the answer to the request of this context begins, by clients that can tell: whoever shares its
prompt finds the prompt in the server's cache from then on. A client that cannot tell leaves it alone."""


class Choice(Value, frozen=True, kw_only=True):
    """One question to a decision model: which of the labelled answers holds."""

    name: str
    ask: str
    labels: tuple[str, ...]
    """What may be answered. Exactly yes and no is put as a predicate, digits alone as ordered levels."""
    meanings: tuple[str, ...] = ()
    """What each label means, in the order of the labels; empty where they speak for themselves."""


class Form:
    """A JSON Schema that a reply's text is to follow; written once, since requests by the thousand ask for the same."""

    __slots__ = ("ordered", "schema", "written")

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.written = msgspec.Raw(msgspec.json.encode(schema))
        """In the order in which the model is to write."""
        self.ordered = msgspec.Raw(msgspec.json.encode(schema, order="deterministic"))
        """As a request's bytes hold it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Form) and bytes(self.ordered) == bytes(other.ordered)

    def __hash__(self) -> int:
        return hash(bytes(self.ordered))


class Request(Value, frozen=True, kw_only=True):
    """One request to a model. Its bytes, with the model and its parameters, are the journal's key."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    top_logprobs: int = 0
    """How many alternatives of the first token are wanted, with log-probabilities; 0 for none."""
    form: Form | None = msgspec.field(default=None, name="schema")
    """What the reply's text is to follow."""
    choices: tuple[Choice, ...] | msgspec.UnsetType = msgspec.UNSET
    """Questions to a decision model, each answered with probabilities. Unset, it leaves the bytes as they were."""


def _as_ordered(form: object) -> msgspec.Raw:
    assert isinstance(form, Form)
    return form.ordered


request_bytes = msgspec.json.Encoder(order="deterministic", enc_hook=_as_ordered).encode
"""Writes a request as the journal's key and its record hold it."""


class Reply(Value, frozen=True, kw_only=True):
    """What the model said."""

    text: str
    finish: Literal["stop", "length", "refused"] = "stop"
    first_token: tuple[tuple[str, float], ...] | None = None
    """Alternatives of the first token with natural-log probabilities, likeliest first."""
    chosen: tuple[tuple[tuple[str, float], ...], ...] | msgspec.UnsetType = msgspec.UNSET
    """Of a decision model: for each question the labels with their probabilities; empty where it was refused."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a model client can do."""

    logprobs: bool = False
    """Verdicts are read from the log-probabilities of one token, one question a request."""
    decisions: bool = False
    """Answers many questions a request with probabilities, and writes nothing."""
    quote: bool = False
    reason: bool = False
    na: bool = False
    concurrency: int = 16
    """Requests that may be under way at once. At 1 the engine asks group by group, in order."""


class ModelClient(Protocol):
    """A model that answers. One client serves a process for its life."""

    @property
    def name(self) -> str:
        """provider:model, as the reward file writes it."""
        ...

    @property
    def fingerprint(self) -> str:
        """What tells this model from another under the same name: a file's SHA-256, or endpoint and model."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the client can do; read once, when a reward is put together."""
        ...

    def reply(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Answers, after retries of its own. Raises `ModelError`, or `UnavailableError` where no request can work."""
        ...

    async def close(self) -> None:
        """Lets go of connections and memory."""
        ...
