"""Asks any server that speaks the chat-completions format of OpenAI over HTTP.

    model = OpenAIModel("openai:gpt-oss-120b", connection)
    reply = await model.reply(request)

Endpoint and key come from the connection, else from OPENAI_BASE_URL and OPENAI_API_KEY. A reply in a given
form is asked for as JSON Schema; a server that does not know it is asked for a JSON object, then for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine
from functools import partial
from typing import Any, get_args

import msgspec

from dikast.models.base import Capabilities, Reply, Request, answer_begun
from dikast.models.formats import BadRequestError, Formats
from dikast.models.http import OPENAI_ENDPOINT, HttpEndpoint, tokens_of
from dikast.models.wire import Format, body_of, read_body
from dikast.spec.models import ModelConnection


class OpenAIModel:
    """One model behind one endpoint."""

    def __init__(self, name: str, connection: ModelConnection, *, first_pause: float = 0.5) -> None:
        self.name = name
        self._endpoint = HttpEndpoint(name, connection, "/chat/completions", first_pause=first_pause)
        self._extra = connection.body
        # OpenAI's own newer models refuse the older name of this field; other servers may not know the newer one.
        self._token_field = "max_completion_tokens" if self._endpoint.endpoint == OPENAI_ENDPOINT else "max_tokens"
        self._formats: Formats[Format] = Formats(get_args(Format))
        self._streams: bool | None = None
        """Whether the server streams; None until one that was asked for a stream has answered."""
        self.fingerprint = self._endpoint.fingerprint
        self.capabilities = Capabilities(
            logprobs=connection.logprobs, quote=True, reason=True, na=True, concurrency=connection.concurrency
        )

    def reply(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Answers, after retries. Raises `ModelError`, or `UnavailableError` where no request can work."""
        if request.form is None:
            return self._reply_in(request, "none")
        return self._formats.ask(partial(self._reply_in, request))

    async def close(self) -> None:
        """Closes the running loop's connections."""
        await self._endpoint.close()

    def _reply_in(self, request: Request, reply_format: Format) -> Coroutine[Any, Any, Reply]:
        body = body_of(request, model=self._endpoint.model, reply_format=reply_format)
        if self._token_field != "max_tokens":
            body[self._token_field] = body.pop("max_tokens")
        if answer_begun.get() is not None and self._streams is not False:
            return self._streamed(body, request)
        return self._sent(body, request)

    async def _streamed(self, body: dict[str, Any], request: Request) -> Reply:
        try:
            reply = await self._sent(body | {"stream": True, "stream_options": {"include_usage": True}}, request)
        except BadRequestError:
            if self._streams:
                raise
            # It may be the stream that this server does not know: what works without one tells.
            reply = await self._sent(body, request)
            self._streams = False
        else:
            self._streams = True
        return reply

    def _sent(self, body: dict[str, Any], request: Request) -> Coroutine[Any, Any, Reply]:
        raw = encoded(with_extra(body, self._extra) if self._extra else body)
        return self._endpoint.post(raw, read_body, tokens=tokens_of(len(raw), request.max_tokens))


def with_extra(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Lays the connection's own fields over a body; a null takes a field away."""
    return {name: value for name, value in (body | extra).items() if value is not None}


def encoded(body: dict[str, Any]) -> bytes:
    """Writes a body as JSON. A lone surrogate in a text becomes an escape, and breaks nothing on the way."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, default=_builtin).encode("ascii")


def _builtin(value: object) -> Any:
    return json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else msgspec.to_builtins(value)
