"""Finds the files with rows in what a job left: a file, a folder, or an archive, which may hold anything."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dikast.errors import DataError

MOST_UNPACKED = 4 * 1024**3
"""Bytes that the rows of an archive may have: some kilobytes can stand for any number of them."""
_KINDS = (".jsonl", ".parquet")


@contextmanager
def files_with_rows(path: Path) -> Generator[list[Path]]:
    """The files with rows in what was given; those of an archive stand unpacked as long as they are read."""
    if path.is_dir():
        yield _with_rows(path)
    elif path.name.endswith((".tar.gz", ".tgz")):
        with tempfile.TemporaryDirectory(prefix="dikast-read-") as scratch:
            _unpack(path, Path(scratch))
            yield _with_rows(Path(scratch))
    else:
        yield [path]


def _with_rows(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.suffix in _KINDS and one.is_file())


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks the files with rows and nothing else: no link, no device, nothing beside the folder."""
    room = MOST_UNPACKED
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                if not (member.isfile() and member.name.endswith(_KINDS)):
                    continue
                room -= member.size
                if room < 0:
                    raise DataError(
                        f"{archive}: its rows have more than {MOST_UNPACKED} bytes; unpack it, and give a part"
                    )
                packed.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{archive}: cannot be unpacked ({error or 'it ends too early'}); download it again") from error
