"""models.yaml: names of models, where they answer and with what limits.

Looked for beside the reward file, then in the working folder. Without one, `openai:NAME` takes
OPENAI_BASE_URL and OPENAI_API_KEY from the environment. Keys stand in the environment, never in the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from dikast.errors import ConfigError
from dikast.spec.reading import convert, read_struct

FILE_NAME = "models.yaml"


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens cost, in US dollars."""

    input: float
    cached: float | None = None
    """Of prompt tokens that came from the server's prefix cache; as `input` where not given."""
    output: float
    date: str
    """When it was so."""


class ModelConnection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one model is reached."""

    provider: str
    model: str | None = None
    """The name that the endpoint knows; the entry's own name where not given."""
    endpoint: str | None = None
    key_variable: str | None = None
    """Environment variable that holds the key."""
    region: str | None = None
    """AWS region of a Bedrock model; else what boto3 finds."""
    concurrency: int = 64
    """Requests under way at once, at the most; how many really are adapts to the server."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 120.0
    """Seconds for one attempt."""
    attempts: int = 6
    logprobs: bool = False
    """Whether the endpoint gives log-probabilities; verdicts are then read from them, one question a request."""
    body: dict[str, Any] = {}
    """Further fields of every request, as the endpoint takes them; null takes one of ours away."""
    transport: Literal["auto", "aiohttp", "pyreqwest"] = "auto"
    """What carries the requests; auto is pyreqwest where it is installed."""
    price: Price | None = None
    path: str | None = None
    """A local model's file."""
    threads: int | None = None


def read_connections(folder: Path) -> dict[str, ModelConnection]:
    """Reads models.yaml beside a reward or in the working folder; an empty mapping where there is none."""
    for path in (folder / FILE_NAME, Path(FILE_NAME)):
        if path.is_file():
            entries = read_struct(path, dict[str, dict[str, Any]])
            return {name: _read(entry, f"{path}: {name}") for name, entry in entries.items()}
    return {}


def _read(entry: dict[str, Any], where: str) -> ModelConnection:
    connection = convert(entry, ModelConnection, where=where)
    for problem in _problems(connection):
        raise ConfigError(f"{where}: {problem}")
    return connection


def _problems(connection: ModelConnection) -> Iterator[str]:
    """What does not fit together in a connection. One sentence each, with the mend."""
    if connection.concurrency < 1 or connection.attempts < 1 or not connection.timeout > 0:
        yield "concurrency, attempts and timeout must be above 0"
    if math.isinf(connection.timeout):
        yield "timeout must be a number of seconds; leave it out for 120"
    rates = (connection.requests_per_minute, connection.tokens_per_minute)
    if not all(rate is None or rate > 0 for rate in rates):
        yield "requests_per_minute and tokens_per_minute must be above 0"
    price = connection.price
    if price is not None and not all(0 <= one < math.inf for one in (price.input, price.cached or 0.0, price.output)):
        yield "price: a million tokens cost at least 0 US dollars"
