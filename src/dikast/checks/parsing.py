"""Reads a completion as JSON, strictly, and walks through what it holds. Never raises on a completion.

    parsed = parse_completion(rollout.completion)      # the value, or NOT_JSON
    items = items_of(parsed, "comments")               # the set's items, or None

The whole completion must be one JSON value: no code fence around it, no word before or after it. What
other readers of JSON would stumble over is refused too: duplicate keys, NaN and Infinity, numbers beyond
a double, half surrogates, nesting deeper than `MAX_DEPTH`, more than `MAX_CHARACTERS`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, NoReturn

from dikast.checks.base import NOT_JSON, Checked, Json, NotJson

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 64
MAX_DIGITS = 300
"""Of an integer; a double holds 308."""


def parse_completion(text: str) -> Any:
    """Gives the completion's JSON value, or `NOT_JSON`."""
    if text.lstrip()[:1] not in _BEGINNINGS:
        return NOT_JSON
    try:
        return read_json(text)
    except ValueError:
        return NOT_JSON


def read_json(text: str) -> Json:
    """Reads one strict JSON value. Raises `ValueError` with what is wrong, for people, whatever the text is."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, more than {MAX_CHARACTERS}")
    if text.lstrip().startswith("```"):
        raise ValueError("it stands in a code fence")
    try:
        value: Json = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _deeper_than(value, MAX_DEPTH):
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
    # Half a surrogate can be written as an escape, but no file or request can hold it: UnicodeEncodeError.
    "".join(strings_in(value, keys=True)).encode()
    return value


def items_of(parsed: Json | NotJson, key: str | None) -> tuple[Any, ...] | None:
    """Gives the items of a set; None where the reward names no key or the JSON holds no list there."""
    held = parsed.get(key) if key is not None and isinstance(parsed, dict) else None
    return tuple(held) if isinstance(held, list) else None


def strings_in(value: Json, *, keys: bool = False) -> Iterator[str]:
    """Gives all strings of a JSON value in their order, its keys included where asked for."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for child in value:
            yield from strings_in(child, keys=keys)
    elif isinstance(value, dict):
        for key, child in value.items():
            if keys:
                yield key
            yield from strings_in(child, keys=keys)


def text_of(checked: Checked, *, keys: bool = False) -> str:
    """Gives the words that a reader would see: the strings of a JSON completion, else the completion itself."""
    if checked.parsed is NOT_JSON:
        return checked.rollout.completion
    return "\n".join(strings_in(checked.parsed, keys=keys))


def identity(value: Json) -> Hashable:
    """Gives a value that is equal for equal JSON values only: 1 is 1.0 but not true, the order of keys is nothing."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, identity(child)) for key, child in value.items()))
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _deeper_than(value: Json, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for node in level for child in _children(node)]
    return any(isinstance(node, list | dict) for node in level)


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
)
_BEGINNINGS = frozenset('{["-tfn0123456789')
"""What a JSON value begins with: most completions that are none are known by it."""
