"""What nobody but the page may do, asked by a plain client over a real socket."""

import json
import socket

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from dikast.errors import UnavailableError, UsageError
from dikast.web.serving import MOST_BODY, application, new_token, serve

TOKEN = "a-secret"


@pytest.fixture
async def server():
    app = application(TOKEN)

    async def said(request):
        return web.json_response({"said": (await request.read()).decode()})

    async def wrong(_request):
        raise UsageError("give another")

    async def full(_request):
        raise UnavailableError("the disk is full")

    app.router.add_get(f"/{TOKEN}/said", said)
    app.router.add_post(f"/{TOKEN}/said", said)
    app.router.add_get(f"/{TOKEN}/wrong", wrong)
    app.router.add_get(f"/{TOKEN}/full", full)
    async with TestServer(app, host="127.0.0.1") as running:
        yield running


async def get(server, path, **headers):
    async with ClientSession() as client, client.get(server.make_url("/") / path, headers=headers) as answer:
        return answer.status, await answer.text(), answer.headers


async def test_whoever_knows_the_token_is_answered(server):
    status, text, _ = await get(server, f"{TOKEN}/said")

    assert (status, json.loads(text)) == (200, {"said": ""})


@pytest.mark.parametrize(
    "path", ["", "said", "another/said", f"{TOKEN}x/said", f"{TOKEN[:-1]}/said", "geheimnis-ä/said"]
)
async def test_whoever_does_not_gets_nothing_and_learns_nothing(server, path):
    status, text, _ = await get(server, path)

    assert status == 403
    assert TOKEN not in text
    assert "said" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}"]
)
async def test_a_foreign_name_that_points_here_is_refused(server, host):
    status, _, _ = await get(server, f"{TOKEN}/said", Host=host.format(port=server.port))

    assert status == 403


async def test_localhost_is_this_machine_too(server):
    status, _, _ = await get(server, f"{TOKEN}/said", Host=f"localhost:{server.port}")

    assert status == 200


@pytest.mark.parametrize("path", [f"{TOKEN}/said", f"{TOKEN}/gone", f"{TOKEN}/wrong", "another/said"])
async def test_every_answer_forbids_to_keep_frame_and_load(server, path):
    _, _, headers = await get(server, path)

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


async def test_what_went_wrong_is_one_line(server):
    assert (await get(server, f"{TOKEN}/wrong"))[:2] == (400, '{"error": "give another"}')
    assert (await get(server, f"{TOKEN}/full"))[:2] == (503, '{"error": "the disk is full"}')
    assert (await get(server, f"{TOKEN}/gone"))[:2] == (404, '{"error": "Not Found"}')


async def test_a_body_that_is_too_long_is_refused(server):
    async with ClientSession() as client:
        url = server.make_url(f"/{TOKEN}/said")
        statuses = [
            (await client.post(url, data=b"x" * size)).status for size in (MOST_BODY - 1, MOST_BODY + 1, 1_000_000)
        ]

    assert statuses == [200, 413, 413]


async def test_a_port_that_is_taken_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(UnavailableError, match="leave --port out"):
            await serve(application(TOKEN), port=taken.getsockname()[1], ready=lambda _port: None)


def test_no_two_tokens_are_alike():
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32
