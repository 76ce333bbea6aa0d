"""Who is let in, asked by a plain client over a real socket."""

import base64
from pathlib import Path

import pytest

from dikast.errors import UsageError
from dikast.remote.terms import TOKEN_VARIABLE
from dikast.serve.settings import Settings, is_loopback, read_token, require_safe

BODY = {"rollouts": [{"prompt": "Q", "completion": "a"}]}


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"any:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    ["Bearer s3cret", "bearer s3cret", basic("s3cret")],
    ids=["bearer", "lower case", "password of the address"],
)
async def test_the_token_opens(serving, scripted_model, header: str):
    running = await serving(scripted_model(0.7), token="s3cret")

    assert (await running.post("/v1/score", BODY, Authorization=header))[0] == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer s3cre", "Bearer s3cret2", basic("other"), "Basic %%%", "Digest s3cret", "s3cret"]
)
async def test_anything_else_does_not(serving, scripted_model, header: str):
    running = await serving(scripted_model(0.7), token="s3cret")

    status, told, headers = await running.ask("POST", "/v1/score", BODY, Authorization=header)

    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert "s3cret" not in told["error"]
    assert running.model.asked == []


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/docs", "/v1/rewards", "/v1/rewards/plain", "/nowhere"])
async def test_nothing_but_the_probes_answers_without_the_token(serving, scripted_model, path: str):
    running = await serving(scripted_model(0.7), token="s3cret")

    assert (await running.ask("GET", path))[0] == 401
    assert (await running.ask("GET", "/healthz"))[0] == 200
    assert (await running.ask("GET", "/readyz"))[0] == 200


async def test_without_a_token_a_foreign_name_that_points_here_is_refused(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    assert (await running.post("/v1/score", BODY, Host="rebound.example"))[0] == 403
    assert (await running.post("/v1/score", BODY, Host="rebound.example:8600"))[0] == 403
    assert (await running.post("/v1/score", BODY, Host="localhost:8600"))[0] == 200
    assert (await running.post("/v1/score", BODY, Host="[::1]:8600"))[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::", "rewards.example"])
def test_a_server_that_others_reach_needs_a_token(host: str):
    with pytest.raises(UsageError, match="a token is needed"):
        require_safe(Settings(host=host))

    require_safe(Settings(host=host, token="s3cret"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machines_own_addresses_need_none(host: str):
    require_safe(Settings(host=host))

    assert is_loopback(host)


def test_the_token_is_read_from_a_file_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "from-the-environment")
    (tmp_path / "token").write_text("from-the-file\n")

    assert read_token(tmp_path / "token") == "from-the-file"
    assert read_token(None) == "from-the-environment"


@pytest.mark.parametrize("content", ["", " \n", "two words", "ünïcode", "line\nline"])
def test_a_token_that_is_none_is_told_where_it_stands(tmp_path: Path, content: str):
    (tmp_path / "token").write_text(content)

    with pytest.raises(UsageError, match="--token-file"):
        read_token(tmp_path / "token")


def test_a_token_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "none")
