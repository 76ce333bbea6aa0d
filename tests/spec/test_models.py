"""models.yaml: where it is looked for, and what it may not hold."""

from pathlib import Path

import pytest

from dikast.errors import ConfigError
from dikast.spec.models import FILE_NAME, ModelConnection, read_connections


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
