"""Serves pages on this machine only.

A page and all it asks for stand under a secret first part of the path, so that no other page in the browser and no
other user of the machine can ask for them; the Host header must be this machine's, so that no foreign name can be made to
point here. Nothing is loaded from elsewhere, framed, or kept by the browser.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import signal
from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web

from dikast.errors import DikastError, UnavailableError, UsageError

HOST = "127.0.0.1"
MOST_BODY = 16 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(token: str) -> web.Application:
    """An application that answers only who knows the token: routes begin with `/{token}/`."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = _refused(request, token) or await _told(request, handler)
        response.headers.update(HEADERS)
        return response

    return web.Application(middlewares=[guarded], client_max_size=MOST_BODY)


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def asset(package: str, name: str) -> Handler:
    """A handler that gives a file of a package: a page, its script, its style."""
    text = files(package).joinpath(name).read_text("utf-8")
    kind = _TYPES[name.rpartition(".")[2]]

    async def give(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, charset="utf-8")

    return give


async def serve(app: web.Application, *, port: int, ready: Callable[[int], None]) -> None:
    """Serves until the process is asked to end (SIGTERM) or interrupted; `ready` is told the port."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise UnavailableError(
                f"port {port} of {HOST} cannot be had ({error.strerror}); leave --port out for any that is free"
            ) from error
        ready(runner.addresses[0][1])
        await ended.wait()
    finally:
        await runner.cleanup()


def _refused(request: web.Request, token: str) -> web.Response | None:
    """What somebody gets who may not ask; it does not say whether the page is there."""
    given = request.path.split("/")[1]
    # Compared as bytes, whatever letters the path holds, and without telling by the time how much was right.
    known = hmac.compare_digest(given.encode(), token.encode())
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    if known and request.host in (f"{HOST}:{port}", f"localhost:{port}"):
        return None
    return web.json_response({"error": "open the address that the command printed"}, status=403)


async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers, and says in one line what went wrong."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)
    except DikastError as error:
        return web.json_response({"error": str(error)}, status=400 if isinstance(error, UsageError) else 503)
