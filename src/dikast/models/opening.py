"""Opens the model that a reward file names: 'provider:model'.

A name that stands in models.yaml takes its connection from there; any other goes to the provider as it is.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

from dikast.errors import ConfigError, UnavailableError
from dikast.models.base import ModelClient
from dikast.models.store import find, known_sum
from dikast.spec.models import FILE_NAME, ModelConnection, read_connections


def open_model(name: str, folder: Path) -> ModelClient:
    """Opens a model. `folder` is where the reward stands: models.yaml and relative paths are looked for there.

    Raises `ConfigError` for a name that means nothing, `UnavailableError` for a local model that is not here.
    """
    provider, model = _parts(name)
    connection = _connection(provider, model, read_connections(folder))
    return _PROVIDERS[provider](name, connection, folder)


def connection_of(name: str, folder: Path) -> ModelConnection:
    """Gives the connection of a model by its full name, as `open_model` finds it."""
    provider, model = _parts(name)
    return _connection(provider, model, read_connections(folder))


def _parts(name: str) -> tuple[str, str]:
    provider, colon, model = name.partition(":")
    if not colon or not model:
        raise ConfigError(f"the model {name!r} is not written as provider:model, for instance openai:gpt-oss-120b")
    if provider not in _PROVIDERS:
        raise ConfigError(f"the model {name!r}: no provider '{provider}'; known are {', '.join(_PROVIDERS)}")
    return provider, model


def _connection(provider: str, model: str, connections: Mapping[str, ModelConnection]) -> ModelConnection:
    connection = connections.get(model)
    if connection is None:
        return ModelConnection(provider=provider)
    if connection.provider != provider:
        raise ConfigError(
            f"{FILE_NAME}: {model}: its provider is '{connection.provider}', the reward asks for '{provider}:{model}'; "
            "make them the same"
        )
    return connection


def _open_openai(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.openai import OpenAIModel

    return OpenAIModel(name, connection)


def _open_local(name: str, connection: ModelConnection, folder: Path) -> ModelClient:
    from dikast.models.local import LocalModel

    if importlib.util.find_spec("xllamacpp") is None:
        raise UnavailableError(f"{name}: local models need xllamacpp; install it: pip install 'dikast[local]'")
    wanted = connection.path or connection.model or name.partition(":")[2]
    path = find(str(folder / Path(wanted).expanduser()) if wanted.endswith(".gguf") else wanted)
    return LocalModel(name, path, fingerprint=known_sum(path), threads=connection.threads)


def _open_decisions(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.decisions import DecisionsModel

    return DecisionsModel(name, connection)


def _open_bedrock(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.bedrock import BedrockModel

    if importlib.util.find_spec("boto3") is None:
        raise UnavailableError(f"{name}: Bedrock needs boto3; install it: pip install 'dikast[bedrock]'")
    return BedrockModel(name, connection)


def _open_recorded(name: str, connection: ModelConnection, folder: Path) -> ModelClient:
    from dikast.models.recorded import RecordedModel

    return RecordedModel(name, folder / (connection.path or name.partition(":")[2]))


_PROVIDERS: dict[str, Callable[[str, ModelConnection, Path], ModelClient]] = {
    "openai": _open_openai,
    "bedrock": _open_bedrock,
    "decisions": _open_decisions,
    "local": _open_local,
    "recorded": _open_recorded,
}
