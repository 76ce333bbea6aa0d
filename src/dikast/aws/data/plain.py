"""What stands in a row and in a file that one JSON reader takes and another does not, or takes for something else."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def unsayable(row: dict[str, Any]) -> Iterator[str]:
    """Says what no JSON can hold, with its place: NaN and infinity, and half a character."""
    # A list of what is left, and no call in a call: a row may be nested as deeply as its reader goes.
    left: list[tuple[str, Any]] = [("", row)]
    while left:
        place, value = left.pop()
        match value:
            case dict():
                for name, one in value.items():
                    if not _is_whole(name):
                        yield f"a name in '{place or 'the row'}' holds half a surrogate; write whole characters"
                    left.append((f"{place}.{name}" if place else str(name), one))
            case list():
                left += ((f"{place}[{at}]", one) for at, one in enumerate(value))
            case str() if not _is_whole(value):
                yield f"'{_shown(place)}' holds half a surrogate; write whole characters"
            case float() if not math.isfinite(value):
                yield f"'{_shown(place)}' is {value}, which JSON does not have; write null or a number"
            case _:
                pass


def repeated_keys(path: Path) -> dict[int, str]:
    """Finds the lines of a JSONL file where a key stands twice: readers differ in which of the two they take."""
    if path.suffix == ".parquet":
        return {}
    found: dict[int, str] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                json.loads(line, object_pairs_hook=_once)
            except _TwiceError as error:
                found[number] = f"the key '{error}' stands twice; remove one of them"
            except (ValueError, RecursionError):
                # Who reads the rows tells of it.
                continue
    return found


def has_mark(path: Path) -> bool:
    """Whether a file begins with a byte order mark."""
    with path.open("rb") as file:
        return file.read(3) == codecs.BOM_UTF8


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, value in pairs:
        if name in held:
            raise _TwiceError(name)
        held[name] = value
    return held


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(place: str) -> str:
    return place.encode("utf-8", "replace").decode()
