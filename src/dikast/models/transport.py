"""Carries a request's bytes to a server and the answer's back: over aiohttp, or pyreqwest where it is installed.

Both keep their connections for as long as the event loop lives. Neither follows a redirect, which would
carry the prompt to a host that nobody named, and neither reads an answer without end.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from dikast.errors import ConfigError, ModelError

TransportName = Literal["auto", "aiohttp", "pyreqwest"]

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer; a verdict has some thousands."""


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


class BrokenConnectionError(Exception):
    """The server could not be reached, or hung up."""


class Transport(Protocol):
    """Sends requests. One for an event loop."""

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads; calls `begun` when the first of the answer's body is there.

        Raises `BrokenConnectionError`, or `ModelError` where the answer has no end.
        """
        ...

    async def close(self) -> None:
        """Lets go of the connections."""
        ...


async def open_transport(name: TransportName, *, connections: int) -> Transport:
    """Opens a transport on the running loop. Raises `ConfigError` where it is not installed."""
    if name == "aiohttp":
        return await AiohttpTransport.open(connections)
    if importlib.util.find_spec("pyreqwest") is not None:
        return PyreqwestTransport(connections)
    if name == "pyreqwest":
        raise ConfigError(
            "models.yaml: transport 'pyreqwest' is not installed; pip install 'dikast[fast]', or use aiohttp"
        )
    return await AiohttpTransport.open(connections)


class AiohttpTransport:
    """Over aiohttp."""

    def __init__(self, session: Any, life: AsyncGenerator[Any]) -> None:
        import aiohttp

        self._session = session
        self._life = life
        self._broken = aiohttp.ClientError

    @classmethod
    async def open(cls, connections: int) -> AiohttpTransport:
        """Opens a session on the running loop."""
        life = _session(connections)
        return cls(await anext(life), life)

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads."""
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if begun is None and 0 <= (answer.content_length or -1) <= MAX_BODY:
                    text = await answer.read()
                else:
                    text = await _read_bounded(answer.content.iter_any(), begun)
                return HttpAnswer(status=answer.status, headers=answer.headers, body=text)
        except self._broken as error:
            raise BrokenConnectionError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Closes the session."""
        await self._life.aclose()


async def _session(limit: int) -> AsyncGenerator[Any]:
    """Lives until it is closed, at the latest when asyncio ends its loop, which closes every open generator."""
    import aiohttp

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        # An attempt is timed as a whole; a second clock here could only contradict.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trust_env=True,
    ) as session:
        yield session


async def _read_bounded(chunks: AsyncIterable[bytes], begun: Callable[[], None] | None) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        if begun is not None and not body:
            begun()
        body += chunk
        if len(body) > MAX_BODY:
            raise _endless()
    return bytes(body)


async def _chunks_of(answer: Any) -> AsyncIterator[bytes]:
    while (chunk := await answer.body_reader.read_chunk()) is not None:
        yield chunk


def _endless() -> ModelError:
    return ModelError("unparsable", f"the server's answer is longer than {MAX_BODY} bytes")


class PyreqwestTransport:
    """Over pyreqwest: Rust's reqwest, about half of aiohttp's CPU time for a request."""

    def __init__(self, connections: int) -> None:
        from pyreqwest.client import ClientBuilder
        from pyreqwest.exceptions import PyreqwestError

        self._client: Any = ClientBuilder().follow_redirects(False).max_connections(connections).build()
        self._broken: Any = PyreqwestError

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads."""
        try:
            request = self._client.post(url).headers(headers).body_bytes(body)
            if begun is not None:
                # Else it waits for the end of an answer that fits its buffer.
                request = request.streamed_read_buffer_limit(0)
            async with request.build_streamed() as answer:
                text = await _read_bounded(_chunks_of(answer), begun)
                return HttpAnswer(status=answer.status, headers=answer.headers, body=text)
        except self._broken as error:
            raise BrokenConnectionError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Closes the client."""
        await self._client.close()
