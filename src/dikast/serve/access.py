"""Who may ask, and how it is told what went wrong: one line, as JSON, with a status that says whether to try again.

A token is taken as `Authorization: Bearer TOKEN`, or as the password of an address (`http://any:TOKEN@host/...`):
most trainers let their user set nothing but the address. Without a token only this machine may ask, under a name of
its own, and only with a body that a foreign web page cannot send.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import traceback
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.typedefs import Middleware

from dikast.errors import DikastError, ModelError, UsageError
from dikast.serve.backlog import Backlog
from dikast.serve.metrics import Metrics
from dikast.serve.refusals import DrainingError, NotJsonError, RefusedError
from dikast.serve.settings import LOCAL_NAMES, Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


BEGAN = web.RequestKey("began", float)
"""When a request came, by the event loop's clock."""
OPEN = frozenset({"/healthz", "/readyz"})
"""What a probe asks, without a token."""
TRY_AGAIN = 2
"""Seconds after which a judge that failed may do better."""
GONE = 499
"""Status, in the counts only, of a request whose client hung up."""


class Door:
    """Lets requests in."""

    def __init__(self, settings: Settings, backlog: Backlog, metrics: Metrics, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.backlog = backlog
        self.metrics = metrics
        self.tell = tell
        self.draining = False

    def middleware(self) -> Middleware:
        """What stands before every handler."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            clock = asyncio.get_running_loop().time
            began = request[BEGAN] = clock()
            response = self._turned_away(request) or await self._told(request, handler)
            if self.draining:
                response.force_close()
            self.metrics.answered(
                _route(request), response.status, clock() - began if request.method == "POST" else None
            )
            return response

        return guarded

    @contextmanager
    def _counted(self) -> Generator[None]:
        """Lets what costs something in, and counts it. Raises `DrainingError`, `BusyError`."""
        if self.draining:
            raise DrainingError("the server is about to end", retry_after=TRY_AGAIN)
        with self.backlog.request():
            yield

    def _turned_away(self, request: web.Request) -> web.Response | None:
        if request.path in OPEN:
            return None
        if self.settings.token is None:
            if _host_name(request) in LOCAL_NAMES:
                return None
            return _error(403, "without a token only this machine is answered, as 127.0.0.1 or localhost")
        if hmac.compare_digest(_token_of(request), self.settings.token.encode()):
            return None
        refused = _error(401, "the token is missing or wrong; send 'Authorization: Bearer TOKEN'")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="dikast"'
        return refused

    async def _told(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.method != "POST":
                return await handler(request)
            with self._counted():
                return await handler(request)
        except web.HTTPException as error:
            response = _error(error.status, error.reason)
            if allow := error.headers.get("Allow"):
                response.headers["Allow"] = allow
            return response
        except (ConnectionError, web.RequestPayloadError) as error:
            return _cut_short(error)
        except DikastError as error:
            return _failed(error)
        except Exception as error:  # noqa: BLE001  a bug of ours stops one request, not the server
            self.tell(f"a bug in dikast; please report it:\n{''.join(traceback.format_exception(error))}")
            return _error(500, f"a bug in dikast ({type(error).__name__}); the server's log says more")


async def read_body(request: web.Request, backlog: Backlog, *, seconds: float) -> bytes:
    """Reads a JSON body. Raises HTTP 408, 413 and 415, or `BusyError`."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="the body must be application/json")
    with backlog.reading(request.content_length):
        try:
            async with asyncio.timeout_at(request[BEGAN] + seconds):
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason=f"the body did not come within {seconds:g} s") from None
        except web.HTTPRequestEntityTooLarge:
            raise web.HTTPRequestEntityTooLarge(
                max_size=0, actual_size=0, reason="the body is longer than --max-body-mb allows; send fewer rollouts"
            ) from None


def _cut_short(error: Exception) -> web.Response:
    if not isinstance(error.__cause__, ContentEncodingError):
        return _error(GONE, "the client hung up")
    response = _error(400, "the body is not packed as its Content-Encoding says")
    # What else is on the connection cannot be told from the rest of that body.
    response.force_close()
    return response


def _failed(error: DikastError) -> web.Response:
    match error:
        case RefusedError():
            response = _error(error.status, str(error), error.retry_after)
        case NotJsonError():
            response = _error(400, str(error))
        case UsageError():
            response = _error(422, str(error))
        case ModelError():
            response = _error(503, str(error), TRY_AGAIN)
        case _:
            # Wrong credentials, or too many scores missing: nobody is told to ask again.
            response = _error(503, str(error))
    return response


def _error(status: int, told: str, retry_after: int | None = None) -> web.Response:
    body = msgspec.json.encode({"error": " ".join(told.encode("utf-8", "replace").decode().split())})
    response = web.Response(status=status, body=body, content_type="application/json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def _host_name(request: web.Request) -> str:
    host = request.host
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _token_of(request: web.Request) -> bytes:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip().encode("utf-8", "surrogateescape")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""
