"""Reads and writes what a certification leaves behind: one JSON value a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dikast.errors import ConfigError
from dikast.rollouts import appearing

T = TypeVar("T")


def read_whole(path: Path, kind: type[T], *, absent: str, other: str, mend: str) -> T:
    """Reads a file of one kind. Raises `ConfigError`: what to say where it is not there, or holds something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise ConfigError(f"{path}: {absent}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {other} ({error}); {mend}") from error


def write_whole(value: Any, path: Path) -> None:
    """Writes a value for people to read too. The file appears whole or not at all."""
    with appearing(path) as out:
        out.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
