"""Reads a YAML file of the user's into a struct, or says in one line what is wrong and how to mend it.

A file is plain data: no tag makes an object of it, no alias repeats a part (nine lines of them can stand
for a billion values), and no key stands twice.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin

import msgspec

from dikast.errors import ConfigError

T = TypeVar("T")

MAX_BYTES = 4 * 1024 * 1024
"""No configuration is larger; a larger file is a data file named by mistake."""

_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")
_MISSING_FIELD = re.compile(r"missing required field `(?P<field>[^`]*)`")
_PATH = re.compile(r" - at (?:`key` in )?`(?P<path>[^`]*)`$")
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
"""One step of such a path: a key, or a place in what is repeated."""


def read_struct(path: Path, into: type[T]) -> T:
    """Reads and checks a YAML file. Raises `ConfigError` with the file, the place and the mend."""
    return convert(load_yaml(path), into, where=str(path))


def load_yaml(path: Path) -> Any:
    """Loads a YAML file with the safe loader: no object of ours or Python's is ever made from it."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; correct its name, or the working folder") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a file that can") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: {len(raw)} bytes is too large for a configuration file (limit {MAX_BYTES})")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    return _loaded(text, path)


def _loaded(text: str, path: Path) -> Any:
    """JSON is YAML too, and read without PyYAML, which takes longer to load than a reward to read."""
    # An escaped character beyond the first 65,536 is two halves to PyYAML, and one to others.
    if text.startswith("{") and "\\ud" not in text.lower():
        try:
            return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number)
        except (ValueError, RecursionError):
            # YAML's short form begins so too; and of what is broken PyYAML tells the line.
            pass
    from dikast.spec.yaml_text import loaded

    return loaded(text, path)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise ValueError
    return held


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def convert(value: Any, into: type[T], *, where: str) -> T:
    """Converts plain data into a struct; `where` starts the message of what does not fit."""
    try:
        # With str_keys a level may also be written as JSON has it: "1".
        return msgspec.convert(value, into, strict=True, str_keys=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"{where}: {_explain(str(error), into)}") from error


def _explain(message: str, into: type) -> str:
    """Turns msgspec's sentence into place, problem and mend."""
    place = ""
    if found := _PATH.search(message):
        place = found["path"].removeprefix("$").removeprefix(".")
        message = message[: found.start()]
    if found := _MISSING_FIELD.search(message):
        message = f"'{found['field']}' is missing; add it"
    elif found := _UNKNOWN_FIELD.search(message):
        message = f"unknown key '{found['field']}'" + _suggest(found["field"], into)
    elif message.startswith(("Invalid enum value", "Invalid value")) and (choices := _choices(into, place)):
        message = f"{message}; write {', '.join(choices[:-1])} or {choices[-1]}"
    elif not place:
        message += "; write the keys as in docs/reference.md"
    return f"{place}: {message}" if place else message


def _suggest(field: str, into: type) -> str:
    import difflib

    close = difflib.get_close_matches(field, sorted(_all_fields(into, set())), n=1)
    return f"; did you mean '{close[0]}'?" if close else "; remove it or see docs/reference.md for the keys"


def _all_fields(kind: Any, seen: set[Any]) -> set[str]:
    """Names of all keys that a struct and the structs inside it know, for spelling help."""
    if kind in seen:
        return set()
    seen.add(kind)
    names: set[str] = set()
    inner: tuple[Any, ...] = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        names.update(kind.__struct_encode_fields__)
        inner = tuple(field.type for field in msgspec.structs.fields(kind))
    for part in inner:
        names |= _all_fields(part, seen)
    return names


def _choices(kind: Any, place: str) -> list[str]:
    """What may stand at a place of a file: the values of a Literal, the tags of the structs there."""
    kinds = _alternatives(kind)
    for step in _STEP.findall(place):
        kinds = [one for above in kinds for inner in _below(above, step) for one in _alternatives(inner)]
    return [str(value) for one in kinds for value in get_args(one) if get_origin(one) is Literal]


def _alternatives(kind: Any) -> list[Any]:
    return list(get_args(kind)) if get_origin(kind) in (Union, UnionType) else [kind]


def _below(kind: Any, step: str) -> list[Any]:
    """The types that a step of a place leads to, from a type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        config = kind.__struct_config__
        fields = [field.type for field in msgspec.structs.fields(kind) if field.encode_name == step]
        return fields or ([Literal[config.tag]] if config.tag_field == step else [])
    # Of a mapping the values; of what is repeated each one.
    return [one for one in get_args(kind) if one is not Ellipsis][-1:] if step.startswith("[") else []


def canonical(value: Any) -> Any:
    """Gives a struct as plain data without what stands at its default, however it was written.

    So a setting that is added later changes no hash of a file that does not use it. The order of keys is kept.
    """
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        tag = {value.__struct_config__.tag_field: value.__struct_config__.tag} if value.__struct_config__.tag else {}
        return tag | {
            field.encode_name: canonical(held)
            for field in fields
            if (held := getattr(value, field.name)) != _default_of(field)
        }
    if isinstance(value, list | tuple):
        return [canonical(one) for one in cast("list[Any] | tuple[Any, ...]", value)]
    if isinstance(value, dict):
        return {name: canonical(one) for name, one in cast("dict[Any, Any]", value).items()}
    return value


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
