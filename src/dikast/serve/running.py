"""Runs a server until it is asked to end, and ends it without losing what is under way.

SIGTERM, or Ctrl-C: no new request is judged, those under way are answered, then the journal is closed. A second
signal, or the end of the drain's seconds, stops them.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dikast.errors import UnavailableError
from dikast.serve.app import RewardServer

_HTTP_LOG = logging.getLogger("aiohttp.server")
WAITING_CONNECTIONS = 1024
"""That the system holds while the server is busy."""


async def run(server: RewardServer, *, ready: Callable[[str], None]) -> signal.Signals:
    """Serves; `ready` is told the address. Gives the signal that ended it.

    Raises `UnavailableError` where the port cannot be had.
    """
    asked = _Signals()
    settings = server.settings
    _HTTP_LOG.addFilter(_not_bad_http)
    runner = web.AppRunner(server.app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port, backlog=WAITING_CONNECTIONS).start()
        except OSError as error:
            raise UnavailableError(
                f"port {settings.port} of {settings.host} cannot be had ({error.strerror}); name another with --port"
            ) from error
        ready(_address(runner))
        await asked.first.wait()
        await _drain(server, asked)
        assert asked.signal is not None
        return asked.signal
    finally:
        await runner.cleanup()
        await server.rewards.close()
        asked.forget()


def _not_bad_http(record: logging.LogRecord) -> bool:
    """Whether a record is worth a line: that somebody sends what is no HTTP is not."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError | web.RequestPayloadError)


class _Signals:
    """What the process is asked."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(one, self._came, one)

    def _came(self, which: signal.Signals) -> None:
        (self.second if self.first.is_set() else self.first).set()
        self.signal = self.signal or which

    def forget(self) -> None:
        for one in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(one)


async def _drain(server: RewardServer, asked: _Signals) -> None:
    server.door.draining = True
    under_way = server.backlog.requests
    if not under_way:
        return
    server.tell(f"ending: {under_way} requests are still answered, for {server.settings.drain:g} s at the most")
    waiting = [asyncio.ensure_future(server.backlog.emptied()), asyncio.ensure_future(asked.second.wait())]
    try:
        await asyncio.wait(waiting, timeout=server.settings.drain, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    if left := server.backlog.requests:
        server.tell(f"{left} requests were stopped unanswered; what was judged is in the journal")


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
