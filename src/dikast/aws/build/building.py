"""Builds the package of a reward function and its template.

    built = build(read_reward(Path("reward.yaml")), plan)

What stands in the package: the modules of dikast that the handler imports, the libraries they need on the Lambda
runtime, both compiled, the reward with all that its hash covers, `dikast-handler.json`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dikast.aws.build.archive import zipped
from dikast.aws.build.bytecode import compiled
from dikast.aws.build.contents import (
    CERTIFICATE,
    FOLDER,
    as_json,
    connections,
    imported_by_checks,
    libraries_of_checks,
    reward_files,
)
from dikast.aws.build.distributions import BOTO3, NAMES, files_of, version_of, with_requirements
from dikast.aws.build.modules import SOURCE, data_of, libraries_of, modules_of, source_of
from dikast.aws.build.patterns import compiled_lists
from dikast.aws.build.runtime import Runtime
from dikast.aws.build.template import Stack, function_name, template_of
from dikast.aws.settings import FILE_NAME, HandlerSettings, require_answerable, written
from dikast.errors import ConfigError, UsageError
from dikast.rollouts import appearing
from dikast.spec.models import ModelConnection
from dikast.spec.reading import convert
from dikast.spec.reward import RewardSpec

HANDLER = "dikast.aws.handler"
TEMPLATE = "template.yaml"
ENVELOPED = frozenset({"open_weight"})
"""Targets that want the answer in an envelope."""

_NAMESPACE = re.compile(r"(?!AWS/|:)[A-Za-z0-9.\-_/#:]{1,255}")

_OF_SERVERS = frozenset({"aiohttp"})
"""Libraries that only a judge behind a server needs, wherever they are imported."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be built."""

    settings: HandlerSettings
    """`reward` and `certificate` are the paths in the package."""
    certificate: Path | None = None
    runtime: Runtime
    function: str | None = None
    """The function's name; one made of the reward's where not given."""
    with_boto3: bool = False
    """Whether boto3 goes along in the version of here, or is the runtime's own."""
    included: Sequence[Path] = ()
    profile_models: Sequence[str] = ()


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A package and its template, not yet written."""

    name: str
    """Of the zip."""
    package: bytes
    template: str
    function: str
    reward_hash: str
    settings: HandlerSettings
    libraries: dict[str, str]
    """Distribution → version."""
    boto3: str | None
    """Its version in the package; None where the runtime's is used."""
    precompiled: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.package).hexdigest()

    def write(self, folder: Path) -> None:
        """Writes both files."""
        for name, content in ((self.name, self.package), (TEMPLATE, self.template.encode())):
            with appearing(folder / name) as out:
                out.write(content)


def settings_for(spec: RewardSpec, certificate: Path | None, **chosen: Any) -> HandlerSettings:
    """Gives the handler's settings, from fields as JSON has them.

    Raises `ConfigError` for a field that is none, and where a missing score would have no number.
    """
    held = {
        "reward": f"{FOLDER}/{spec.path.name}",
        "certificate": None if certificate is None else CERTIFICATE,
        "envelope": chosen.get("target") in ENVELOPED,
    }
    settings = convert({**held, **chosen}, HandlerSettings, where="the handler's settings")
    require_answerable(settings, spec.file.range)
    _require_usable(settings)
    return settings


def _require_usable(settings: HandlerSettings) -> None:
    """Raises `ConfigError` for what would fail in the cloud alone."""
    if not _NAMESPACE.fullmatch(settings.namespace):
        raise ConfigError(
            f"--set namespace={settings.namespace}: CloudWatch takes 1 to 255 letters, digits and .-_/#: that begin "
            "with neither ':' nor 'AWS/'"
        )
    if settings.journal is not None and not settings.journal.startswith("/tmp/"):
        raise ConfigError(f"--set journal={settings.journal}: a function may write below /tmp only; name a file there")


def build(spec: RewardSpec, order: Order) -> Built:
    """Builds in memory. Raises `ConfigError` for a reward that cannot run in a Lambda function."""
    files, libraries = gather(spec, order)
    byte_code = compiled(files, order.runtime)
    package = zipped(files | byte_code)
    function = order.function or function_name(spec.file.name)
    zip_name = f"{function}.zip"
    stack = Stack(
        reward=spec.file.name,
        reward_hash=spec.hash,
        function=function,
        code=zip_name,
        release=hashlib.sha256(package).hexdigest(),
        runtime=order.runtime,
        namespace=order.settings.namespace,
        connections=connections(spec),
        profile_models=order.profile_models,
    )
    return Built(
        name=zip_name,
        package=package,
        template=template_of(stack),
        function=function,
        reward_hash=spec.hash,
        settings=order.settings,
        libraries=libraries,
        boto3=version_of(BOTO3) if order.with_boto3 else None,
        precompiled=bool(byte_code),
    )


def gather(spec: RewardSpec, order: Order) -> tuple[dict[str, bytes], dict[str, str]]:
    """Gives a package's files by their place, none of them compiled, and its libraries with their versions."""
    judged_by = connections(spec)
    used = {_tag(check) for check in spec.file.checks} | {one.provider for one in judged_by.values()}
    modules = modules_of([HANDLER, *imported_by_checks(spec)], used=used)
    own = [*map(source_of, modules), *data_of(modules)]
    files = {path.relative_to(SOURCE).as_posix(): _content(path) for path in own}
    names = _distributions(spec, modules, judged_by) | ({BOTO3} if order.with_boto3 else set())
    libraries = with_requirements(names, order.runtime)
    for name in libraries:
        files |= files_of(name, order.runtime)
    files |= reward_files(spec, order.certificate, order.included) | compiled_lists(spec)
    files[FILE_NAME] = written(order.settings)
    return files, {name: version_of(name) for name in libraries}


def _content(path: Path) -> bytes:
    return as_json(path) if path.suffix == ".yaml" else path.read_bytes()


def require_function_name(name: str) -> str:
    """Raises `UsageError` for a name that a trainer would refuse."""
    if function_name(name.removeprefix("SageMaker-")) != name:
        raise UsageError(
            f"--name {name}: trainers want 'SageMaker-' in front and at most 64 letters, digits, '-' and '_'; "
            f"for instance {function_name(name.removeprefix('SageMaker-'))}"
        )
    return name


def _distributions(spec: RewardSpec, modules: set[str], judged_by: dict[str, ModelConnection]) -> set[str]:
    behind_servers = any(one.provider in ("openai", "decisions") for one in judged_by.values())
    imported = libraries_of(modules) - (frozenset() if behind_servers else _OF_SERVERS)
    names = {NAMES[library] for library in imported if library in NAMES}
    return names | set(libraries_of_checks(spec).values())


def _tag(check: object) -> str:
    return str(type(check).__struct_config__.tag)  # pyright: ignore[reportAttributeAccessIssue]
