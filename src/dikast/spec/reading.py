"""Reads a YAML file of the user's into a struct, or says in one line what is wrong and how to mend it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from dikast.errors import ConfigError

T = TypeVar("T")

MAX_BYTES = 4 * 1024 * 1024
"""No configuration is larger; a larger file is a data file named by mistake."""

_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")


def read_struct(path: Path, into: type[T]) -> T:
    """Reads and checks a YAML file. Raises `ConfigError` with the file, the place and the mend."""
    return convert(load_yaml(path), into, where=str(path))


def load_yaml(path: Path) -> Any:
    """Loads a YAML file with the safe loader: no object of ours or Python's is ever made from it."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: {len(raw)} bytes is too large for a configuration file (limit {MAX_BYTES})")
    try:
        return yaml.safe_load(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "nested too deeply"
        raise ConfigError(f"{path}:{line} not valid YAML ({problem})") from error


def convert(value: Any, into: type[T], *, where: str) -> T:
    """Converts plain data into a struct; `where` starts the message of what does not fit."""
    try:
        return msgspec.convert(value, into, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"{where}: {_explain(str(error), into)}") from error


def _explain(message: str, into: type) -> str:
    """Turns msgspec's sentence into place, problem and mend."""
    place = ""
    if found := _PATH.search(message):
        place = found["path"].removeprefix("$").removeprefix(".")
        message = message[: found.start()]
    if found := _UNKNOWN_FIELD.search(message):
        message = f"unknown key '{found['field']}'" + _suggest(found["field"], into)
    return f"{place}: {message}" if place else message


def _suggest(field: str, into: type) -> str:
    close = difflib.get_close_matches(field, sorted(_all_fields(into, set())), n=1)
    return f"; did you mean '{close[0]}'?" if close else "; remove it or see docs/reference.md for the keys"


def _all_fields(struct: Any, seen: set[Any]) -> set[str]:
    """Names of all keys that a struct and the structs inside it know, for spelling help."""
    if struct in seen:
        return set()
    seen.add(struct)
    names: set[str] = set()
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        names.update(struct.__struct_encode_fields__)
        for field in msgspec.structs.fields(struct):
            names |= _all_fields(field.type, seen)
    for inner in getattr(struct, "__args__", ()):
        names |= _all_fields(inner, seen)
    return names
