"""Asks a server over HTTP: with a key, several times where that helps, and not more at once than it takes.

What is the same for every provider that is reached so: where the key comes from, what an answer that is no
reply means, and one transport with one limiter for each event loop. The key is read when the first request
is sent, so that a run which the journal answers needs none, and is never logged.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import urllib.parse
from collections.abc import Callable
from functools import partial

import msgspec

from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.models.attempts import Attempts, TryAgain, seconds_of, seconds_of_reset, tried
from dikast.models.base import Reply, answer_begun
from dikast.models.formats import BadRequestError
from dikast.models.limiter import Limiter
from dikast.models.stopwatch import Stopwatch
from dikast.models.transport import BrokenConnectionError, Headers, HttpAnswer, Transport, open_transport
from dikast.records import MissingReason
from dikast.spec.models import ModelConnection

OPENAI_ENDPOINT = "https://api.openai.com/v1"
CHARACTERS_PER_TOKEN = 4
"""Of English text, about; the pace of `tokens_per_minute` and what a plan estimates rest on it."""

_STOPS = {
    401: "the key was not accepted; correct {key}",
    402: "the account behind {key} is not paid up",
    403: "the key may not use the model '{model}'; correct {key} or the model's name",
    404: "nothing answers there for the model '{model}'; correct the model's name or the endpoint (it often ends in /v1)",
}
"""Answers that every request would get."""
_PASSING: dict[int, MissingReason] = {408: "timeout", 425: "transport", 429: "rate_limited"}
_TOO_MUCH = frozenset({429, 503})
_REQUESTS_LEFT, _TOKENS_LEFT = "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"
_RESETS = ((_REQUESTS_LEFT, "x-ratelimit-reset-requests"), (_TOKENS_LEFT, "x-ratelimit-reset-tokens"))
"""Headers: how much is left, and in how long there is more."""

Read = Callable[[bytes, float], Reply]
"""Reads a body, and the seconds it took, into a reply. Raises `ModelError` where it is none."""


class _Door(msgspec.Struct, frozen=True):
    """What belongs to one event loop."""

    transport: Transport
    limiter: Limiter
    watch: Stopwatch
    headers: dict[str, str]
    key: str


class HttpEndpoint:
    """One path of one server, for one model."""

    def __init__(self, name: str, connection: ModelConnection, path: str, *, first_pause: float = 0.5) -> None:
        self.name = name
        self.endpoint = checked_endpoint(
            connection.endpoint or os.environ.get("OPENAI_BASE_URL") or OPENAI_ENDPOINT, name
        )
        self.model = connection.model or name.partition(":")[2]
        self._url = self.endpoint + path
        self._connection = connection
        self._key_variable = connection.key_variable or "OPENAI_API_KEY"
        self._key_needed = connection.key_variable is not None or self.endpoint == OPENAI_ENDPOINT
        self._attempts = Attempts(most=connection.attempts, first_pause=first_pause)
        self._dice = random.Random()
        self._doors: dict[asyncio.AbstractEventLoop, _Door] = {}

    @property
    def fingerprint(self) -> str:
        """Endpoint, model and whatever else of the connection changes what is answered."""
        extra = self._connection.body
        told = f" {msgspec.json.encode(extra, order='deterministic').decode()}" if extra else ""
        return f"{self.endpoint} {self.model}{told}"

    async def post(self, body: bytes, read: Read, *, tokens: int) -> Reply:
        """Sends a body and reads the reply, after retries. `tokens` is about what it asks for.

        Raises `ModelError`, `BadRequestError` where the body itself was refused, or `UnavailableError` where no
        request can work.
        """
        door = self._doors.get(asyncio.get_running_loop()) or await self._open()
        return await tried(
            partial(self._attempt, door, body, read),
            self._attempts,
            limiter=door.limiter,
            watch=door.watch,
            dice=self._dice,
            tokens=tokens,
        )

    async def close(self) -> None:
        """Closes the running loop's connections; those of another loop closed when it ended."""
        if (door := self._doors.pop(asyncio.get_running_loop(), None)) is not None:
            await door.transport.close()

    async def _attempt(self, door: _Door, body: bytes, read: Read) -> Reply | TryAgain:
        started = time.monotonic()
        try:
            answer = await door.transport.post(self._url, body, door.headers, begun=answer_begun.get())
        except BrokenConnectionError as error:
            return TryAgain(reason="transport", detail=f"{self.endpoint}: {error}")
        if answer.status != 200:
            return self._failed(answer, _told(answer.body, door.key))
        headers = answer.headers
        if headers.get(_REQUESTS_LEFT) == "0" or headers.get(_TOKENS_LEFT) == "0":
            door.limiter.close_for(_exhausted(headers))
        try:
            return read(answer.body, time.monotonic() - started)
        except ModelError as error:
            return TryAgain(reason=error.reason, detail=f"{error.detail}: {_told(answer.body, door.key)}")

    def _failed(self, answer: HttpAnswer, told: str) -> TryAgain:
        """Sorts an answer that is no reply: worth another attempt, about this request, or about all."""
        status = answer.status
        detail = f"{self.endpoint} answered {status}: {told}"
        if status in _PASSING or status >= 500:
            return TryAgain(
                reason=_PASSING.get(status, "transport"),
                detail=detail,
                after=asked_to_wait(answer.headers),
                too_much=status in _TOO_MUCH,
            )
        if status in _STOPS:
            raise UnavailableError(f"{detail}; {_STOPS[status].format(key=self._key_variable, model=self.model)}")
        if status < 400:
            raise UnavailableError(f"{detail}; correct the endpoint (it sends on to {answer.headers.get('Location')})")
        if status in (400, 422):
            raise BadRequestError("rejected", detail)
        raise ModelError("rejected", detail)

    def _key(self) -> str:
        key = os.environ.get(self._key_variable, "").strip()
        if not key and self._key_needed:
            raise UnavailableError(f"{self.name}: no key; set the environment variable {self._key_variable}")
        if not key.isprintable():
            raise UnavailableError(f"{self.name}: the key in {self._key_variable} holds control characters; correct it")
        return key

    async def _open(self) -> _Door:
        loop = asyncio.get_running_loop()
        key = self._key()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._doors = {other: door for other, door in self._doors.items() if not other.is_closed()}
        of = self._connection
        # Opening never waits, so no other task can come between the look above and the note below.
        transport = await open_transport(of.transport, connections=of.concurrency, seconds=of.timeout)
        limiter = Limiter(
            of.concurrency,
            requests_per_minute=of.requests_per_minute,
            tokens_per_minute=of.tokens_per_minute,
            clock=loop.time,
        )
        self._doors[loop] = _Door(transport, limiter, Stopwatch(of.timeout), headers, key)
        return self._doors[loop]


def tokens_of(characters: int, max_tokens: int) -> int:
    """About how many tokens a request asks for, prompt and reply together."""
    return characters // CHARACTERS_PER_TOKEN + max_tokens


def asked_to_wait(headers: Headers) -> float:
    """Seconds that a server which failed asks to wait; what it says in milliseconds is the most exact."""
    return (
        seconds_of(headers.get("retry-after-ms"), unit=0.001)
        or seconds_of(headers.get("retry-after"))
        or _exhausted(headers, failed=True)
    )


def _exhausted(headers: Headers, *, failed: bool = False) -> float:
    """Seconds until the server's rate limit is reset, where its headers say that nothing is left; else 0.

    Of a server that has failed, headers that tell the reset alone say so too.
    """
    pause = 0.0
    for left, reset in _RESETS:
        said = headers.get(left)
        if said == "0" or (failed and said is None):
            pause = max(pause, seconds_of_reset(headers.get(reset)))
    return pause


def _told(body: bytes, key: str) -> str:
    """The start of what a server says, on one line and without the key."""
    text = " ".join(body[:2000].decode("utf-8", "replace").split())
    return (text.replace(key, "***") if key else text)[:300]


def checked_endpoint(endpoint: str, name: str) -> str:
    """Gives an endpoint without its last slash. Raises `ConfigError` where it is no URL, or holds a password."""
    if "@" in endpoint.rpartition("//")[2].partition("/")[0]:
        raise ConfigError(f"{name}: the endpoint holds a key or password; put it in the environment, see key_variable")
    if not _is_url(endpoint):
        raise ConfigError(f"{name}: the endpoint {endpoint!r} is not a URL; write it as https://host/v1")
    return endpoint.rstrip("/")


def _is_url(text: str) -> bool:
    """Whether it is an address that every transport takes: with a host that has a name and a port that there is."""
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")
        named = parts.scheme in ("http", "https") and host != "" and parts.port != 0
    except ValueError:
        return False
    return named and not any(c.isspace() for c in text)
