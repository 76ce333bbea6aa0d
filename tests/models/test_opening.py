"""A model's name finds its provider and its connection, or says what is wrong with it."""

import sys

import pytest

from dikast.errors import ConfigError, UnavailableError, UsageError
from dikast.journal import Answered, Journal
from dikast.models.bedrock import BedrockModel
from dikast.models.decisions import DecisionsModel
from dikast.models.local import LocalModel
from dikast.models.openai import OpenAIModel
from dikast.models.opening import connection_of, describe_model, open_model
from dikast.models.recorded import RecordedModel


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


def test_a_plan_needs_no_library_and_no_file_of_a_model(tmp_path, cache, small, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    known, own = describe_model("local:small", tmp_path), describe_model("local:own.gguf", tmp_path)

    assert (known.fingerprint, own.fingerprint) == (small.known.sha256, "")
    assert (known.capabilities.concurrency, known.capabilities.logprobs) == (1, True)
    assert describe_model("bedrock:some.model", tmp_path).capabilities.quote
    for name, extra in (("local:small", "local"), ("bedrock:some.model", "bedrock")):
        with pytest.raises(UnavailableError, match=rf"install it: pip install 'dikast\[{extra}\]'"):
            open_model(name, tmp_path)
    with pytest.raises(UsageError, match="no local model is called 'unheard-of'"):
        describe_model("local:unheard-of", tmp_path)


def test_a_local_model_that_is_here_is_described_by_its_file(tmp_path, cache):
    (tmp_path / "own.gguf").write_bytes(b"GGUF")

    assert describe_model("local:own.gguf", tmp_path).fingerprint == open_model("local:own.gguf", tmp_path).fingerprint


def test_a_local_model_that_is_not_here_is_told_when_it_is_opened(tmp_path, small):
    with pytest.raises(UnavailableError, match="dikast models pull small"):
        open_model("local:small", tmp_path)
    with pytest.raises(UsageError, match="no local model is called 'unheard-of'"):
        open_model("local:unheard-of", tmp_path)


def test_a_decision_model_takes_its_connection_as_others_do(tmp_path):
    write(tmp_path, "fast: {provider: decisions, model: gpt-6-luna, endpoint: 'http://10.0.0.1/v1', concurrency: 4}")

    model = open_model("decisions:fast", tmp_path)

    assert isinstance(model, DecisionsModel)
    assert (model.name, model.fingerprint) == ("decisions:fast", "http://10.0.0.1/v1 gpt-6-luna")
    assert (model.capabilities.concurrency, model.capabilities.decisions) == (4, True)


def test_a_bedrock_model_is_opened_without_asking_aws_anything(tmp_path, monkeypatch):
    pytest.importorskip("boto3")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    write(tmp_path, "judge: {provider: bedrock, model: 'amazon.nova-pro-v1:0', region: eu-west-1}")

    named, entered = open_model("bedrock:openai.gpt-oss-120b-1:0", tmp_path), open_model("bedrock:judge", tmp_path)

    assert isinstance(named, BedrockModel)
    assert named.name == "bedrock:openai.gpt-oss-120b-1:0"
    assert named.fingerprint != entered.fingerprint == "bedrock eu-west-1 amazon.nova-pro-v1:0"


def test_a_provider_that_is_not_installed_is_told_with_what_to_install(tmp_path, monkeypatch, cache, small):
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(UnavailableError, match=r"pip install 'dikast\[bedrock\]'"):
        open_model("bedrock:m", tmp_path)
    with pytest.raises(UnavailableError, match=r"pip install 'dikast\[local\]'"):
        open_model("local:small", tmp_path)


@pytest.mark.parametrize("entry", [None, "then: {provider: recorded, path: run/journal.db}"])
async def test_a_journal_is_looked_for_from_the_rewards_folder(tmp_path, closing, entry):
    journal = Journal.open(tmp_path / "run" / "journal.db")
    journal.keep([Answered(key=b"k", model="openai:judge", request=b'{"messages":[],"max_tokens":1}', reply=b"{}")])
    journal.close()
    if entry:
        write(tmp_path, entry)

    model = closing(open_model("recorded:then" if entry else "recorded:run/journal.db", tmp_path))

    assert isinstance(model, RecordedModel)
    assert model.fingerprint == "openai:judge as recorded"


def test_the_connection_of_a_model_is_the_one_that_it_would_be_opened_with(tmp_path):
    write(tmp_path, "judge: {provider: openai, concurrency: 3}")

    assert connection_of("openai:judge", tmp_path).concurrency == 3
    assert connection_of("openai:other", tmp_path).concurrency == 64
    with pytest.raises(ConfigError, match="make them the same"):
        connection_of("bedrock:judge", tmp_path)
