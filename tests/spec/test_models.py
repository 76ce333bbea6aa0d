"""models.yaml: where it is looked for, and what it may not hold."""

from pathlib import Path

import pytest

from dikast.errors import ConfigError
from dikast.spec.models import FILE_NAME, ModelConnection, Price, read_connections


def test_without_a_file_there_are_no_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert read_connections(tmp_path) == {}


def test_the_file_beside_the_reward_comes_before_the_one_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    beside = tmp_path / "reward"
    beside.mkdir()
    (tmp_path / FILE_NAME).write_text("big: {provider: openai, endpoint: here}")
    monkeypatch.chdir(tmp_path)
    from_working_folder = read_connections(beside)
    (beside / FILE_NAME).write_text("big: {provider: openai, endpoint: there}")

    assert from_working_folder["big"] == ModelConnection(provider="openai", endpoint="here")
    assert read_connections(beside)["big"].endpoint == "there"


@pytest.mark.parametrize("wrong", ["concurrency: 0", "attempts: 0", "timeout: 0", "timeout: -1", "timeout: .nan"])
def test_a_limit_that_lets_nothing_through_is_refused(tmp_path: Path, wrong: str):
    (tmp_path / FILE_NAME).write_text(f"big: {{provider: openai, {wrong}}}")

    with pytest.raises(ConfigError, match=r"big: concurrency, attempts and timeout must be above 0"):
        read_connections(tmp_path)


def test_a_key_in_the_file_is_refused_with_the_right_place_for_it(tmp_path: Path):
    (tmp_path / FILE_NAME).write_text("big: {provider: openai, key: abc}")

    with pytest.raises(ConfigError, match=r"unknown key 'key'"):
        read_connections(tmp_path)


def of(tmp_path: Path, text: str) -> ModelConnection:
    (tmp_path / FILE_NAME).write_text(f"big: {{{text}}}")
    return read_connections(tmp_path)["big"]


def test_an_entry_needs_no_more_than_its_provider(tmp_path: Path):
    connection = of(tmp_path, "provider: bedrock")

    assert (connection.concurrency, connection.timeout, connection.attempts) == (64, 120.0, 6)
    assert (connection.requests_per_minute, connection.tokens_per_minute) == (None, None)
    assert (connection.body, connection.transport, connection.price, connection.region) == ({}, "auto", None, None)


def test_every_setting_of_a_connection_is_read(tmp_path: Path):
    connection = of(
        tmp_path,
        "provider: bedrock, model: m, region: eu-west-1, requests_per_minute: 500, tokens_per_minute: 2.0e+5, "
        "transport: aiohttp, body: {effort: low, temperature: null, stop: [a]}, "
        "price: {input: 1, cached: 0, output: 5.5, date: 2026-11-24}",
    )

    assert connection == ModelConnection(
        provider="bedrock",
        model="m",
        region="eu-west-1",
        requests_per_minute=500,
        tokens_per_minute=200_000,
        transport="aiohttp",
        body={"effort": "low", "temperature": None, "stop": ["a"]},
        price=Price(input=1, cached=0, output=5.5, date="2026-11-24"),
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("requests_per_minute: 0", "requests_per_minute and tokens_per_minute must be above 0"),
        ("tokens_per_minute: -5", "requests_per_minute and tokens_per_minute must be above 0"),
        ("requests_per_minute: .nan", "requests_per_minute and tokens_per_minute must be above 0"),
        ("timeout: .inf", "timeout must be a number of seconds"),
        ("concurrency: 2.5", "Expected `int`"),
        ("transport: requests", "big: transport: Invalid enum value 'requests'; write auto, aiohttp or pyreqwest"),
        ("body: [a]", "Expected `object`"),
        ("price: {input: -1, output: 1, date: 2026-11}", "at least 0 US dollars"),
        ("price: {input: 1, cached: -1, output: 1, date: 2026-11}", "at least 0 US dollars"),
        ("price: {input: 1, output: .inf, date: 2026-11}", "at least 0 US dollars"),
        ("price: {input: .nan, output: 1, date: 2026-11}", "at least 0 US dollars"),
        ("price: {input: 1, output: 1}", "'date' is missing"),
        ("price: {input: 1, ouput: 1, date: 2026-11}", "unknown key 'ouput'; did you mean 'output'"),
        ("price: 5", "Expected `object"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_the_file(tmp_path: Path, wrong: str, said: str):
    with pytest.raises(ConfigError, match=FILE_NAME) as caught:
        of(tmp_path, f"provider: openai, {wrong}")

    assert said in str(caught.value)
