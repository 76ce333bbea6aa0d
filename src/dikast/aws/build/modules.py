"""Finds the modules of dikast that a reward needs in a Lambda, by what imports what.

Imports inside functions count too. What only some rewards need (a kind of check, a provider of models) is left out
where this one does not, with the libraries that it stands on.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import dikast

SOURCE = Path(dikast.__file__).parent.parent
"""The folder that holds the package `dikast`."""

OPTIONAL = {
    "json": "dikast.checks.json_schema",
    "quote": "dikast.checks.quote",
    "length": "dikast.checks.length",
    "language": "dikast.checks.language",
    "safety": "dikast.checks.safety",
    "artifacts": "dikast.checks.artifacts",
    "python": "dikast.checks.user",
    "openai": "dikast.models.openai",
    "decisions": "dikast.models.decisions",
    "bedrock": "dikast.models.bedrock",
    "recorded": "dikast.models.recorded",
    "local": "dikast.models.local",
}
"""Kind of a check, or provider of models → the module that only it needs."""


def modules_of(roots: Collection[str], *, used: Collection[str]) -> set[str]:
    """Lists those of `roots` that are modules of dikast, and all that they import, without the optional ones that are not `used`."""
    left_out = {module for kind, module in OPTIONAL.items() if kind not in used}
    found: set[str] = set()
    open_ones = [*(name for name in roots if _is_module(name)), *(OPTIONAL[kind] for kind in used)]
    while open_ones:
        name = open_ones.pop()
        if name in found or name in left_out:
            continue
        found.add(name)
        open_ones += [parent for parent in _parents(name) if parent not in found]
        open_ones += [one for one in imported(source_of(name)) if one.partition(".")[0] == "dikast" and _is_module(one)]
    return found


def libraries_of(modules: Collection[str]) -> set[str]:
    """Lists the top-level names that these modules import and that are not dikast's."""
    return {one.partition(".")[0] for name in modules for one in imported(source_of(name))} - {"dikast"}


def source_of(module: str) -> Path:
    """Gives the file of a module of dikast."""
    path = SOURCE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def data_of(modules: Collection[str]) -> Iterator[Path]:
    """Lists what stands beside these modules and is no module: prompts, lists, prices.

    A folder that is no package belongs to the package that holds it.
    """
    for package in sorted({source_of(name).parent for name in modules if source_of(name).name == "__init__.py"}):
        yield from _data_in(package)


def _data_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name != "__pycache__" and not (path / "__init__.py").exists():
                yield from _data_in(path)
        elif path.suffix != ".py":
            yield path


@cache
def imported(source: Path) -> frozenset[str]:
    """Lists the absolute names that a Python file imports. Of `from a import b` both `a` and `a.b`: b may be a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_bytes(), str(source))):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                names.add(module)
                names.update(f"{module}.{alias.name}" for alias in aliases)
            case _:
                pass
    return frozenset(names)


def _is_module(name: str) -> bool:
    path = SOURCE / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
