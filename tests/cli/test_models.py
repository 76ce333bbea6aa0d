"""`dikast models` as a user sees it."""

import hashlib
import json
from pathlib import Path

import pytest

from dikast.cli.main import run
from dikast.models import catalog
from dikast.models.catalog import KnownModel

CONTENT = b"a model of some bytes"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and one small model in the catalogue."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("DIKAST_MODELS", str(folder))
    monkeypatch.delenv("DIKAST_MODELS_LOCAL", raising=False)
    small = KnownModel(
        name="small",
        role="judge",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        pieces=(),
        licence="none",
        provenance="made by a test",
    )
    monkeypatch.setattr(catalog, "MODELS", {"small": small})
    monkeypatch.setattr("dikast.cli.models.MODELS", catalog.MODELS)
    return folder


def test_the_list_says_what_is_here_and_where_the_bytes_come_from(cache, capsys):
    assert run(["models", "list"]) == 0

    shown = capsys.readouterr().out
    assert "small" in shown
    assert "no" in shown
    assert "made by a test" in shown
    assert str(cache) in shown


def test_the_list_as_json_has_stable_keys(cache, capsys):
    (cache / "small.gguf").write_bytes(CONTENT)

    assert run(["models", "list", "--json"]) == 0

    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "small"
    assert row["path"] == str(cache / "small.gguf")
    assert (row["found_sha256"], row["sound"]) == (None, None)


def test_a_check_that_finds_everything_right_exits_with_0(cache, capsys):
    (cache / "small.gguf").write_bytes(CONTENT)

    assert run(["models", "check"]) == 0

    assert "yes, verified" in capsys.readouterr().out


def test_a_check_prints_its_result_and_exits_with_4_where_a_sum_is_wrong(cache, capsys):
    (cache / "small.gguf").write_bytes(b"something else")

    assert run(["models", "check", "--json"]) == 4

    shown = capsys.readouterr()
    assert json.loads(shown.out)[0]["sound"] is False
    assert "delete it and run 'dikast models pull small'" in shown.err


def test_a_check_of_a_named_model_that_is_not_here_exits_with_4(cache, capsys):
    assert run(["models", "check", "small"]) == 4
    assert "dikast models pull small" in capsys.readouterr().err

    assert run(["models", "check"]) == 0


def test_a_pull_of_what_is_here_says_so(cache, capsys):
    (cache / "small.gguf").write_bytes(CONTENT)

    assert run(["models", "pull", "small"]) == 0

    assert "here already" in capsys.readouterr().err


def test_a_pull_of_nothing_and_of_the_unknown_are_usage_errors(cache, capsys):
    assert run(["models", "pull"]) == 2
    assert "--for-demo" in capsys.readouterr().err

    assert run(["models", "pull", "small", "smal"]) == 2
    assert "did you mean 'small'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "pull", "check"])
def test_help_shows_examples(cache, capsys, command):
    assert run(["models", command, "--help"]) == 0

    assert f"dikast models {command}" in capsys.readouterr().out
