"""Lists what a reward brings into a package: its file, what it names, its models, its certificate.

All of it goes below `reward/`, each file where it stands beside the reward file, so that the reward's hash there is
the one here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dikast.aws.build.distributions import distribution_of
from dikast.aws.build.modules import imported
from dikast.errors import ConfigError, UsageError
from dikast.models.opening import connection_of
from dikast.spec.checks import PythonCheck
from dikast.spec.models import FILE_NAME, ModelConnection
from dikast.spec.reading import load_yaml
from dikast.spec.reward import RewardSpec, named_files, python_source

FOLDER = "reward"
CERTIFICATE = f"{FOLDER}/certificate.json"


def reward_files(spec: RewardSpec, certificate: Path | None, included: Sequence[Path]) -> dict[str, bytes]:
    """Gives the files by their place in the package. Raises `UsageError` for one that cannot go along."""
    files = {f"{FOLDER}/{spec.path.name}": as_json(spec.path)}
    sources = {python_source(spec, check.call): check.call for check in _python_checks(spec)}
    for path in named_files(spec):
        if path in sources and not path.is_relative_to(spec.folder.resolve()):
            place = sources[path].partition(":")[0].replace(".", "/") + ".py"
        else:
            place = _beside(spec, path)
        files[f"{FOLDER}/{place}"] = path.read_bytes()
    for path in included:
        files.update(_included(spec, path))
    for name, connection in connections(spec).items():
        if name.startswith("recorded:"):
            path = spec.resource(connection.path or name.partition(":")[2])
            files[f"{FOLDER}/{_beside(spec, path)}"] = path.read_bytes()
    if certificate is not None:
        files[CERTIFICATE] = certificate.read_bytes()
    if held := _models_file(spec):
        files[f"{FOLDER}/{FILE_NAME}"] = held
    return files


def as_json(path: Path) -> bytes:
    """A YAML file as JSON, which is YAML too: the handler reads it without PyYAML. As it stands where JSON cannot say it."""
    held = load_yaml(path)
    written = msgspec.json.format(msgspec.json.encode(held)) + b"\n"
    return written if msgspec.json.decode(written) == held else path.read_bytes()


def models_of(spec: RewardSpec) -> tuple[str, ...]:
    """Lists the models that a reward may ask: the judge or the panel, and the fallback."""
    judge = spec.file.judge
    return tuple(dict.fromkeys([*judge.models, *([judge.fallback.model] if judge.fallback else [])]))


def connections(spec: RewardSpec) -> dict[str, ModelConnection]:
    """Gives each model's connection. Raises `ConfigError` for a local one: a Lambda function cannot hold it."""
    for name in models_of(spec):
        if name.startswith("local:"):
            raise ConfigError(
                f"{spec.path}: judge.model: '{name}' is a local model, which no Lambda function can hold; name one on "
                "Bedrock (bedrock:MODEL_ID) or behind a server (openai:NAME), and certify the reward with it"
            )
    return {name: connection_of(name, spec.folder) for name in models_of(spec)}


def libraries_of_checks(spec: RewardSpec) -> dict[str, str]:
    """Gives the libraries that the user's checks import, with the distribution of each."""
    wanted: dict[str, str] = {}
    for check in _python_checks(spec):
        source = python_source(spec, check.call)
        for module in sorted({name.partition(".")[0] for name in _imported(source)}):
            if module in sys.stdlib_module_names or module == "dikast":
                continue
            name = distribution_of(module)
            if name is None:
                raise ConfigError(
                    f"{source}: it imports '{module}', which comes with nothing that is installed here; install it"
                )
            wanted[module] = name
    return wanted


def imported_by_checks(spec: RewardSpec) -> set[str]:
    """Lists all that the user's checks import."""
    return {name for check in _python_checks(spec) for name in _imported(python_source(spec, check.call))}


def _imported(source: Path) -> frozenset[str]:
    try:
        return imported(source)
    except SyntaxError as error:
        raise ConfigError(f"{source}:{error.lineno}: not Python ({error.msg})") from error


def _python_checks(spec: RewardSpec) -> list[PythonCheck]:
    return [check for check in spec.file.checks if isinstance(check, PythonCheck)]


def _models_file(spec: RewardSpec) -> bytes | None:
    """models.yaml with no more than the reward's models. JSON is YAML too."""
    held = {
        name.partition(":")[2]: connection
        for name, connection in connections(spec).items()
        if connection != ModelConnection(provider=connection.provider)
    }
    if not held:
        return None
    plain = {name: _set(connection) for name, connection in sorted(held.items())}
    return msgspec.json.format(msgspec.json.encode(plain)) + b"\n"


def _set(connection: ModelConnection) -> dict[str, object]:
    usual = msgspec.to_builtins(ModelConnection(provider=connection.provider))
    fields = msgspec.to_builtins(connection)
    return {name: value for name, value in fields.items() if name == "provider" or value != usual[name]}


def _included(spec: RewardSpec, path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.exists():
        raise UsageError(f"--include {path}: it is not there")
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if one.is_file() and "__pycache__" not in one.parts:
            yield f"{FOLDER}/{_beside(spec, one)}", one.read_bytes()


def _beside(spec: RewardSpec, path: Path) -> str:
    try:
        return path.resolve().relative_to(spec.folder.resolve()).as_posix()
    except ValueError:
        raise UsageError(
            f"{path}: it does not stand beside {spec.path}; keep what a package needs in that folder"
        ) from None
