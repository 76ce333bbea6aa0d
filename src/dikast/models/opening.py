"""Opens the model that a reward file names: 'provider:model'.

A name that stands in models.yaml takes its connection from there; any other goes to the provider as it is.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from dikast.errors import ConfigError, UnavailableError
from dikast.models.base import ModelClient
from dikast.models.catalog import UnknownModelError, known
from dikast.models.store import find, known_sum
from dikast.spec.models import FILE_NAME, ModelConnection, read_connections


def open_model(name: str, folder: Path) -> ModelClient:
    """Opens a model. `folder` is where the reward stands: models.yaml and relative paths are looked for there.

    Raises `UnknownModelError` for a name that means nothing, `UnavailableError` for a local model that is not here.
    """
    provider = _provider_of(name)
    connection = connection_of(name, folder)
    if provider in _LIBRARIES:
        library, what = _LIBRARIES[provider]
        if importlib.util.find_spec(library) is None:
            raise UnavailableError(f"{name}: {what} {library}; install it: pip install 'dikast[{provider}]'")
    return _PROVIDERS[provider](name, connection, folder)


def describe_model(name: str, folder: Path) -> ModelClient:
    """Gives a model's client for its name, fingerprint and abilities: for a plan, which asks nothing.

    No library or model file need be here. Where the file is not, a known model's fingerprint is the catalogue's, and
    a file of the user's own has none.
    """
    provider = _provider_of(name)
    connection = connection_of(name, folder)
    if provider == "local":
        return _describe_local(name, connection, folder)
    return _PROVIDERS[provider](name, connection, folder)


def connection_of(name: str, folder: Path) -> ModelConnection:
    """Gives the connection of a model by its full name, as `open_model` finds it."""
    provider, _, model = name.partition(":")
    connection = read_connections(folder).get(model)
    if connection is None:
        return ModelConnection(provider=provider)
    if connection.provider != provider:
        raise ConfigError(
            f"{FILE_NAME}: {model}: its provider is '{connection.provider}', the reward asks for '{provider}:{model}'; "
            "make them the same"
        )
    return connection


def _provider_of(name: str) -> str:
    provider, colon, model = name.partition(":")
    if not colon or not model:
        raise UnknownModelError(
            f"the model {name!r} is not written as provider:model, for instance openai:gpt-oss-120b"
        )
    if provider not in _PROVIDERS:
        raise UnknownModelError(f"the model {name!r}: no provider '{provider}'; known are {', '.join(_PROVIDERS)}")
    return provider


def _open_openai(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.openai import OpenAIModel

    return OpenAIModel(name, connection)


def _open_local(name: str, connection: ModelConnection, folder: Path) -> ModelClient:
    from dikast.models.local import LocalModel

    path = find(_local_name(name, connection, folder))
    return LocalModel(name, path, fingerprint=known_sum(path), threads=connection.threads)


def _describe_local(name: str, connection: ModelConnection, folder: Path) -> ModelClient:
    from dikast.models.local import LocalModel

    try:
        return _open_local(name, connection, folder)
    except UnavailableError:
        wanted = _local_name(name, connection, folder)
        sum_of_it = "" if wanted.endswith(".gguf") else known(wanted).sha256
        return LocalModel(name, Path(wanted), fingerprint=sum_of_it)


def _local_name(name: str, connection: ModelConnection, folder: Path) -> str:
    """A file of the user's own, or a name of the catalogue."""
    wanted = connection.path or connection.model or name.partition(":")[2]
    return str(folder / Path(wanted).expanduser()) if wanted.endswith(".gguf") else wanted


def _open_decisions(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.decisions import DecisionsModel

    return DecisionsModel(name, connection)


def _open_bedrock(name: str, connection: ModelConnection, _folder: Path) -> ModelClient:
    from dikast.models.bedrock import BedrockModel

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

_LIBRARIES = {"local": ("xllamacpp", "local models need"), "bedrock": ("boto3", "Bedrock needs")}
"""Provider → the library without which nothing can be asked. The extra that installs it has the provider's name."""
