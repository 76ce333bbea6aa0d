"""Asks any server that speaks the chat-completions format of OpenAI over HTTP.

    model = OpenAIModel("openai:gpt-oss-120b", connection)
    reply = await model.reply(request)

Endpoint and key come from the connection, else from OPENAI_BASE_URL and OPENAI_API_KEY. The key is read
when the first request is sent, so that a run which the journal answers needs none, and is never logged.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
import urllib.parse
from collections.abc import AsyncGenerator
from typing import get_args

import aiohttp
import msgspec

from dikast.errors import ConfigError, ModelError, UnavailableError
from dikast.models.attempts import Attempts, TryAgain, seconds_of, tried
from dikast.models.base import Capabilities, Reply, Request
from dikast.models.wire import Format, body_of, read_body
from dikast.records import MissingReason
from dikast.spec.models import ModelConnection

OPENAI_ENDPOINT = "https://api.openai.com/v1"
MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer; a verdict has some thousands."""

_FORMATS: tuple[Format, ...] = get_args(Format)
_STOPS = {
    401: "the key was not accepted; correct {key}",
    402: "the account behind {key} is not paid up",
    403: "the key may not use the model '{model}'; correct {key} or the model's name",
    404: "nothing answers there for the model '{model}'; correct the model's name or the endpoint (it often ends in /v1)",
}
"""Answers that every request would get."""
_PASSING: dict[int, MissingReason] = {408: "timeout", 425: "transport", 429: "rate_limited"}


class _Door(msgspec.Struct, frozen=True):
    """What belongs to one event loop."""

    session: aiohttp.ClientSession
    slot: asyncio.Semaphore
    life: AsyncGenerator[aiohttp.ClientSession, None]


class _BadRequest(ModelError):
    """The server refused the body: its content, or the format that it asks for."""


class OpenAIModel:
    """One model behind one endpoint."""

    def __init__(self, name: str, connection: ModelConnection, *, first_pause: float = 0.5) -> None:
        self.name = name
        self._endpoint = _checked(connection.endpoint or os.environ.get("OPENAI_BASE_URL") or OPENAI_ENDPOINT, name)
        self._model = connection.model or name.partition(":")[2]
        self._key_variable = connection.key_variable or "OPENAI_API_KEY"
        self._key_needed = connection.key_variable is not None or self._endpoint == OPENAI_ENDPOINT
        self._attempts = Attempts(most=connection.attempts, timeout=connection.timeout, first_pause=first_pause)
        self._dice = random.Random()
        self._doors: dict[asyncio.AbstractEventLoop, _Door] = {}
        self._format: Format = "json_schema"
        self._format_settled = False
        self.fingerprint = f"{self._endpoint} {self._model}"
        self.capabilities = Capabilities(
            logprobs=connection.logprobs, quote=True, reason=True, na=True, concurrency=connection.concurrency
        )

    async def reply(self, request: Request) -> Reply:
        """Answers, after retries. Raises `ModelError`, or `UnavailableError` where no request can work."""
        if request.schema is None:
            return await self._reply_in(request, "none")
        reply_format = self._format
        while True:
            try:
                reply = await self._reply_in(request, reply_format)
            except _BadRequest:
                # Until the server has taken a format, a refusal may mean the format and not the content.
                if reply_format == (self._format if self._format_settled else _FORMATS[-1]):
                    raise
                reply_format = self._format if self._format_settled else _FORMATS[_FORMATS.index(reply_format) + 1]
            else:
                if not self._format_settled:
                    self._format, self._format_settled = reply_format, True
                return reply

    async def close(self) -> None:
        """Closes the running loop's connections; those of another loop closed when it ended."""
        if (door := self._doors.pop(asyncio.get_running_loop(), None)) is not None:
            await door.life.aclose()

    async def _reply_in(self, request: Request, reply_format: Format) -> Reply:
        door = await self._door()
        headers = {"Content-Type": "application/json"}
        if key := self._key():
            headers["Authorization"] = f"Bearer {key}"
        # Plain ASCII: a lone surrogate in a text stays an escape and breaks nothing on the way.
        body = json.dumps(body_of(request, model=self._model, reply_format=reply_format)).encode("ascii")

        async def once() -> Reply | TryAgain:
            return await self._attempt(door.session, body, headers, key)

        return await tried(once, self._attempts, slot=door.slot, dice=self._dice)

    async def _attempt(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str], key: str
    ) -> Reply | TryAgain:
        started = time.monotonic()
        url = f"{self._endpoint}/chat/completions"
        try:
            # A redirect would carry the prompt to a host that nobody named.
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                text = await _read_bounded(answer)
        except aiohttp.ClientError as error:
            return TryAgain(reason="transport", detail=f"{self._endpoint}: {type(error).__name__}: {error}")
        if answer.status == 200:
            try:
                return read_body(text, seconds=time.monotonic() - started)
            except ModelError as error:
                return TryAgain(reason=error.reason, detail=error.detail)
        return self._failed(answer, _told(text, key))

    def _failed(self, answer: aiohttp.ClientResponse, told: str) -> TryAgain:
        """Sorts an answer that is no reply: worth another attempt, about this request, or about all."""
        status = answer.status
        detail = f"{self._endpoint} answered {status}: {told}"
        if status in _PASSING or status >= 500:
            reason = _PASSING.get(status, "transport")
            return TryAgain(reason=reason, detail=detail, after=seconds_of(answer.headers.get("Retry-After")))
        if status in _STOPS:
            raise UnavailableError(f"{detail}; {_STOPS[status].format(key=self._key_variable, model=self._model)}")
        if status < 400:
            raise UnavailableError(f"{detail}; correct the endpoint (it sends on to {answer.headers.get('Location')})")
        if status in (400, 422):
            raise _BadRequest("rejected", detail)
        raise ModelError("rejected", detail)

    def _key(self) -> str:
        key = os.environ.get(self._key_variable, "").strip()
        if not key and self._key_needed:
            raise UnavailableError(f"{self.name}: no key; set the environment variable {self._key_variable}")
        if not key.isprintable():
            raise UnavailableError(f"{self.name}: the key in {self._key_variable} holds control characters; correct it")
        return key

    async def _door(self) -> _Door:
        loop = asyncio.get_running_loop()
        if (door := self._doors.get(loop)) is not None:
            return door
        self._doors = {other: door for other, door in self._doors.items() if not other.is_closed()}
        life = _session(self.capabilities.concurrency)
        # This never waits, so no other task can come between the look above and the note below.
        session = await anext(life)
        door = _Door(session, asyncio.Semaphore(self.capabilities.concurrency), life)
        self._doors[loop] = door
        return door


async def _session(limit: int) -> AsyncGenerator[aiohttp.ClientSession, None]:
    """Lives until it is closed, at the latest when asyncio ends its loop, which closes every open generator."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        # An attempt is timed as a whole; a second clock here could only contradict.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trust_env=True,
    ) as session:
        yield session


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        body += chunk
        if len(body) > MAX_BODY:
            raise ModelError("unparsable", f"the server's answer is longer than {MAX_BODY} bytes")
    return bytes(body)


def _told(body: bytes, key: str) -> str:
    """The start of an error's text, on one line and without the key."""
    text = " ".join(body[:2000].decode("utf-8", "replace").split())
    return (text.replace(key, "***") if key else text)[:300]


def _checked(endpoint: str, name: str) -> str:
    parts = urllib.parse.urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{name}: the endpoint {endpoint!r} is not a URL; write it as https://host/v1")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{name}: the endpoint holds a key or password; put it in the environment, see key_variable")
    return endpoint.rstrip("/")
