"""What carries requests and answers: two of them, which do the same."""

import asyncio
import base64
import gzip
import sys

import pytest
from aiohttp import web

from dikast.errors import ConfigError, ModelError
from dikast.models.transport import (
    MAX_BODY,
    AiohttpTransport,
    BrokenConnectionError,
    PyreqwestTransport,
    Transport,
    open_transport,
)

CONNECTIONS = 4
SECONDS = 20.0


@pytest.fixture
async def transport(transport_name, closing) -> Transport:
    return closing(await open_transport(transport_name, connections=CONNECTIONS, seconds=SECONDS))


@pytest.fixture
def url(server) -> str:
    return f"{server.url}/any"


def answers(body: bytes = b"well", status: int = 200, **headers: str):
    async def act(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return act


def sends_raw(raw: bytes):
    """The server sends these bytes, whatever they are, and hangs up."""

    async def act(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(raw)
        request.transport.close()
        return web.Response()

    return act


async def slowly(_request: web.Request) -> web.Response:
    await asyncio.sleep(0.1)
    return web.Response(body=b"well")


async def hangs(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def test_bytes_arrive_whole_in_both_directions(server, transport, url):
    sent, answered = bytes(range(256)) * 4000, bytes(reversed(range(256))) * 4000
    server.script = [answers(answered, status=418)]

    answer = await transport.post(url, sent, {"Content-Type": "application/json", "X-Of-Ours": "yes"})

    assert server.raw == [sent]
    assert (server.headers[0]["Content-Type"], server.headers[0]["X-Of-Ours"]) == ("application/json", "yes")
    assert (answer.status, answer.body) == (418, answered)


async def test_an_answer_in_chunks_is_put_together(server, transport, url):
    async def in_chunks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (b"one ", b"two ", b"three"):
            await response.write(part)
            await asyncio.sleep(0.01)
        return response

    server.script = [in_chunks]

    assert (await transport.post(url, b"", {})).body == b"one two three"


async def test_an_answer_that_is_packed_is_unpacked(server, transport, url):
    server.script = [answers(gzip.compress(b"well"), Content_Encoding="gzip")]

    assert (await transport.post(url, b"", {})).body == b"well"


async def test_headers_are_found_by_a_name_in_any_case(server, transport, url):
    server.script = [answers(rEtRy_AfTeR="7")]

    headers = (await transport.post(url, b"", {})).headers

    assert [headers.get(name) for name in ("Retry-After", "retry-after", "RETRY-AFTER")] == ["7", "7", "7"]
    assert headers.get("X-Ratelimit-Reset-Tokens") is None


async def test_a_header_that_is_no_text_is_no_failure(server, transport, url):
    server.script = [
        sends_raw(b"HTTP/1.1 200 OK\r\nRetry-After: \xff\xfe\r\nX-Other: 1\r\nContent-Length: 4\r\n\r\nwell")
    ]

    answer = await transport.post(url, b"", {})

    answer.headers.get("Retry-After")
    assert (answer.body, answer.headers.get("X-Other")) == (b"well", "1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(server, transport, url, status):
    server.otherwise = answers(status=status, Location=f"{server.url}/elsewhere")

    answer = await transport.post(url, b"a prompt", {})

    assert answer.status == status
    assert server.paths == ["/v1/any"]


async def test_an_answer_of_the_greatest_length_is_taken(server, transport, url):
    server.script = [answers(b"x" * MAX_BODY)]

    assert len((await transport.post(url, b"", {})).body) == MAX_BODY


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


@pytest.mark.parametrize(
    "act",
    [
        endless,
        answers(b" " * (MAX_BODY + 1)),
        answers(gzip.compress(b" " * (MAX_BODY + 1)), Content_Encoding="gzip"),
    ],
    ids=["without end", "too long", "too long when it is unpacked"],
)
async def test_an_answer_that_is_too_long_is_cut_off(server, transport, url, act):
    server.script = [act, answers()]

    with pytest.raises(ModelError, match="longer than") as caught:
        await transport.post(url, b"", {})

    assert caught.value.reason == "unparsable"
    assert (await transport.post(url, b"", {})).body == b"well"


@pytest.mark.parametrize(
    "act",
    [
        sends_raw(b""),
        sends_raw(b"HTTP/1.1 200 OK\r\nContent-Len"),
        sends_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf a bo"),
        sends_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        sends_raw(b"HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\nwell"),
        sends_raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
        answers(b"not packed", Content_Encoding="gzip"),
    ],
    ids=["at once", "in a header", "in the body", "between chunks", "no length", "another protocol", "not packed"],
)
async def test_a_server_that_hangs_up_or_talks_nonsense_is_a_broken_connection(server, transport, url, act):
    server.script = [act, answers()]

    with pytest.raises(BrokenConnectionError):
        await transport.post(url, b"", {})

    assert (await transport.post(url, b"", {})).body == b"well"


async def test_a_server_that_is_not_there_is_a_broken_connection(transport):
    with pytest.raises(BrokenConnectionError):
        await transport.post("http://127.0.0.1:9/v1", b"", {})


async def test_one_connection_serves_one_request_after_another(server, transport, url):
    server.otherwise = answers()

    for _ in range(20):
        await transport.post(url, b"x" * 1000, {})

    assert len(server.raw) == 20
    assert len(server.connections) == 1


async def test_requests_side_by_side_take_the_connections_that_are_there(server, transport, url):
    server.otherwise = slowly

    for _ in range(3):
        await asyncio.gather(*(transport.post(url, b"", {}) for _ in range(CONNECTIONS)))

    assert server.most_under_way == CONNECTIONS
    assert len(server.connections) == CONNECTIONS


async def test_requests_that_were_stopped_leave_room_for_others(server, transport, url):
    server.script = [hangs] * CONNECTIONS
    server.otherwise = answers()
    hanging = [asyncio.create_task(transport.post(url, b"", {})) for _ in range(CONNECTIONS)]
    await server.asked(CONNECTIONS)

    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)

    async with asyncio.timeout(5):
        replies = await asyncio.gather(*(transport.post(url, b"", {}) for _ in range(CONNECTIONS)))
    assert [reply.body for reply in replies] == [b"well"] * CONNECTIONS


async def test_a_request_that_was_stopped_ends_at_the_latest_when_its_time_is_up(server, transport_name, url, closing):
    transport = closing(await open_transport(transport_name, connections=1, seconds=0.3))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def watched(_request: web.Request) -> web.Response:
        try:
            return await hangs(_request)
        finally:
            loop.call_soon_threadsafe(ended.set)

    server.script = [watched]

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await transport.post(url, b"", {})

    async with asyncio.timeout(5):
        await ended.wait()


async def test_closing_ends_what_is_under_way(server, transport, url):
    server.script = [hangs]
    hanging = asyncio.create_task(transport.post(url, b"", {}))
    await server.asked()

    await transport.close()

    with pytest.raises(BrokenConnectionError):
        async with asyncio.timeout(5):
            await hanging


async def test_what_was_closed_sends_nothing_more(server, transport, url):
    server.otherwise = answers()
    await transport.post(url, b"", {})
    await transport.close()

    with pytest.raises(BrokenConnectionError):
        await transport.post(url, b"", {})

    assert len(server.raw) == 1
    await transport.close()


async def test_the_environments_proxy_is_asked_with_its_password(server, transport_name, monkeypatch, closing):
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1").replace("//", "//me:p%40ss@"))
    transport = closing(await open_transport(transport_name, connections=1, seconds=SECONDS))
    server.otherwise = answers(b"by proxy")

    answer = await transport.post("http://judge.invalid/v1/any", b"a prompt", {"Authorization": "Bearer key"})

    assert (answer.body, server.raw) == (b"by proxy", [b"a prompt"])
    assert server.headers[0]["Host"] == "judge.invalid"
    assert server.headers[0]["Authorization"] == "Bearer key"
    assert server.headers[0]["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()


async def test_a_host_that_the_environment_leaves_out_is_asked_without_the_proxy(
    server, transport_name, url, monkeypatch, closing
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    transport = closing(await open_transport(transport_name, connections=1, seconds=SECONDS))
    server.otherwise = answers()

    assert (await transport.post(url, b"", {})).body == b"well"


async def test_a_password_of_another_programs_file_is_not_sent(server, transport, url, monkeypatch, tmp_path):
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    server.otherwise = answers()

    await transport.post(url, b"", {"Authorization": "Bearer key"})
    await transport.post(url, b"", {})

    assert [headers.get("Authorization") for headers in server.headers] == ["Bearer key", None]


async def test_the_faster_one_is_taken_where_it_is_installed(closing):
    pytest.importorskip("pyreqwest")

    assert isinstance(closing(await open_transport("auto", connections=1, seconds=1.0)), PyreqwestTransport)


async def test_without_the_faster_one_the_other_is_taken_unless_it_was_asked_for(closing, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreqwest", None)

    assert isinstance(closing(await open_transport("auto", connections=1, seconds=1.0)), AiohttpTransport)
    with pytest.raises(ConfigError, match=r"pip install 'dikast\[fast\]'"):
        await open_transport("pyreqwest", connections=1, seconds=1.0)
