"""Carries a request's bytes to a server and the answer's back: over aiohttp, or pyreqwest where it is installed.

Both keep their connections for as long as the event loop lives. Neither follows a redirect, which would
carry the prompt to a host that nobody named, and neither reads an answer without end.
"""

from __future__ import annotations

import datetime
import importlib.util
import urllib.parse
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any, Literal, Protocol

import msgspec

from dikast.errors import ConfigError, ModelError

TransportName = Literal["auto", "aiohttp", "pyreqwest"]

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer; a verdict has some thousands."""


_LARGER_THAN_READ = 4 * 1024 * 1024


class Headers(Protocol):
    """The headers of an answer."""

    def get(self, name: str, /) -> str | None:
        """Gives the value under a name, whatever its case; None where there is none that is text."""
        ...


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered."""

    status: int
    headers: Headers
    body: bytes


class BrokenConnectionError(Exception):
    """The server could not be reached, or hung up."""


class Transport(Protocol):
    """Sends requests. One for an event loop."""

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads; calls `begun` when the first of the answer's body is there.

        Raises `BrokenConnectionError`, `TimeoutError`, or `ModelError` where the answer has no end.
        """
        ...

    async def close(self) -> None:
        """Lets go of the connections."""
        ...


async def open_transport(name: TransportName, *, connections: int, seconds: float) -> Transport:
    """Opens a transport on the running loop, for requests that the caller gives up after so many seconds.

    Raises `ConfigError` where it is not installed.
    """
    if name == "aiohttp":
        return await AiohttpTransport.open(connections)
    if importlib.util.find_spec("pyreqwest") is not None:
        return PyreqwestTransport(seconds)
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
        self._payload = aiohttp.BytesPayload
        self._proxies: dict[str, str | None] = {}

    @classmethod
    async def open(cls, connections: int) -> AiohttpTransport:
        """Opens a session on the running loop."""
        life = _session(connections)
        _keep_read_buffers()
        return cls(await anext(life), life)

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads."""
        if self._session.closed:
            raise BrokenConnectionError("the connections were closed")
        proxy = self._proxy(url)
        try:
            answer = await self._session.post(
                # Said to be bytes, which aiohttp would else find out for each request.
                url,
                data=self._payload(body),
                headers=headers,
                allow_redirects=False,
                proxy=proxy,
            )
            try:
                if begun is None and _says_short(answer.headers):
                    text = await answer.read()
                else:
                    text = await _read_bounded(answer.content.iter_any(), begun)
            except BaseException:
                # Of an answer that was read to its end the connection is free already; any other's cannot be used again.
                answer.close()
                raise
        except self._broken as error:
            raise BrokenConnectionError(f"{type(error).__name__}: {error}") from error
        return HttpAnswer(status=answer.status, headers=answer.headers, body=text)

    async def close(self) -> None:
        """Closes the session."""
        await self._life.aclose()

    def _proxy(self, url: str) -> str | None:
        if url not in self._proxies:
            self._proxies[url] = _proxy_for(url)
        return self._proxies[url]


async def _session(limit: int) -> AsyncGenerator[Any]:
    """Lives until it is closed, at the latest when asyncio ends its loop, which closes every open generator."""
    import aiohttp

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        # What one answer sets is no other request's business.
        cookie_jar=aiohttp.DummyCookieJar(),
        # An attempt is timed as a whole; a second clock here could only contradict.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    ) as session:
        yield session


def _keep_read_buffers() -> None:
    """Has the C library keep the memory that asyncio reads answers into: 256 kB, of which an answer leaves little.

    glibc asks the kernel for each such piece anew, until one has been given back that was larger.
    """
    bytes(_LARGER_THAN_READ)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL.

    aiohttp would look there itself (`trust_env`), and into ~/.netrc too: a password that stands there for the
    host is sent where no key is, and where one is the request fails. It also takes two threads for each request.
    """
    parts = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _says_short(headers: Headers) -> bool:
    """Whether the answer says how long it is, and that is not too long. What is packed says only how long that is."""
    length = headers.get("Content-Length")
    if length is None or headers.get("Content-Encoding") is not None:
        return False
    return length.isdecimal() and int(length[:20]) <= MAX_BODY


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
    """Over pyreqwest: Rust's reqwest, about half of aiohttp's CPU time for a request.

    A request that asyncio cancels goes on inside it until the server answers or its own clock stops it. So it is
    given the attempt's seconds, and no bound on connections, which would count those that nobody waits for.
    """

    def __init__(self, seconds: float) -> None:
        from pyreqwest.client import ClientBuilder
        from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

        longest = datetime.timedelta(seconds=seconds)
        self._client: Any = ClientBuilder().follow_redirects(False).timeout(longest).build()
        self._late: Any = RequestTimeoutError
        self._broken: Any = PyreqwestError
        self._closed = False

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, begun: Callable[[], None] | None = None
    ) -> HttpAnswer:
        """Sends and reads."""
        if self._closed:
            # The client itself may still send a request that comes while it closes.
            raise BrokenConnectionError("the client is closed")
        try:
            request = self._client.post(url).headers(headers).body_bytes(body)
            if begun is not None:
                # Else it waits for the end of an answer that fits its buffer.
                request = request.streamed_read_buffer_limit(0)
            async with request.build_streamed() as answer:
                told = _TextHeaders(answer.headers)
                if begun is None and _says_short(told):
                    text = bytes(await answer.bytes())
                else:
                    text = await _read_bounded(_chunks_of(answer), begun)
                return HttpAnswer(status=answer.status, headers=told, body=text)
        except self._late as error:
            raise TimeoutError from error
        except self._broken as error:
            raise BrokenConnectionError(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Closes the client."""
        self._closed = True
        await self._client.close()


class _TextHeaders:
    """The headers of pyreqwest, which raises for a value that is not text."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def get(self, name: str, /) -> str | None:
        try:
            return self._held.get(name)
        except ValueError:
            return None
