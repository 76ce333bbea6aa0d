"""A model's name finds its provider and its connection, or says what is wrong with it."""

import pytest

from dikast.errors import ConfigError, UnavailableError, UsageError
from dikast.models.local import LocalModel
from dikast.models.openai import OpenAIModel
from dikast.models.opening import open_model


def write(folder, text: str) -> None:
    (folder / "models.yaml").write_text(text)


def test_a_name_without_an_entry_goes_to_the_provider_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")

    model = open_model("openai:org/model:7b", tmp_path)

    assert isinstance(model, OpenAIModel)
    assert model.name == "openai:org/model:7b"
    assert model.fingerprint == "http://127.0.0.1:8000/v1 org/model:7b"


def test_an_entry_of_models_yaml_gives_the_connection(tmp_path):
    write(
        tmp_path,
        "judge: {provider: openai, model: gpt-oss-120b, endpoint: 'http://10.0.0.1/v1', concurrency: 4, logprobs: true}",
    )

    model = open_model("openai:judge", tmp_path)

    assert model.name == "openai:judge"
    assert model.fingerprint == "http://10.0.0.1/v1 gpt-oss-120b"
    assert (model.capabilities.concurrency, model.capabilities.logprobs) == (4, True)


def test_an_entry_of_another_provider_is_told(tmp_path):
    write(tmp_path, "judge: {provider: openai}")

    with pytest.raises(ConfigError, match=r"models\.yaml: judge: its provider is 'openai'"):
        open_model("local:judge", tmp_path)


@pytest.mark.parametrize("name", ["gpt-4o", "openai:", ":x"])
def test_a_name_that_is_not_provider_and_model_is_told(tmp_path, name):
    with pytest.raises(ConfigError):
        open_model(name, tmp_path)


def test_an_unknown_provider_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match="no provider 'opnai'; known are openai, bedrock, decisions, local, recorded"):
        open_model("opnai:gpt-4o", tmp_path)


def test_a_local_model_has_its_files_sum_for_a_fingerprint_without_being_loaded(tmp_path, cache, small):
    cache.mkdir()
    (cache / "small.gguf").write_bytes(small.content)

    model = open_model("local:small", tmp_path)

    assert isinstance(model, LocalModel)
    assert model.fingerprint == small.known.sha256
    assert (model.capabilities.concurrency, model.capabilities.logprobs, model.capabilities.quote) == (1, True, False)


@pytest.mark.parametrize("entry", [None, "mine: {provider: local, path: sub/own.gguf}"])
def test_a_local_path_is_relative_to_the_rewards_folder(tmp_path, cache, entry):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.gguf").write_bytes(b"GGUF")
    if entry:
        write(tmp_path, entry)

    model = open_model("local:mine" if entry else "local:sub/own.gguf", tmp_path)

    assert len(model.fingerprint) == 64


def test_a_local_model_that_is_not_here_is_told_when_it_is_opened(tmp_path, small):
    with pytest.raises(UnavailableError, match="dikast models pull small"):
        open_model("local:small", tmp_path)
    with pytest.raises(UsageError, match="no local model is called 'unheard-of'"):
        open_model("local:unheard-of", tmp_path)
