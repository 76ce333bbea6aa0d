"""Reads rollouts and prompts from JSONL or Parquet, and writes JSONL: one line a row, errors with file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from dikast.errors import DataError, UnavailableError
from dikast.records import Message, Rollout

PARQUET_ROWS = 1000
"""Rows of a Parquet file in memory at once."""
MAX_LINE_BYTES = 16 * 1024 * 1024
BUFFER = 256 * 1024
"""Bytes of a file that are read or written at once. Lines of some hundred bytes come out of it in half the time."""
LONG_LINE = 4096
"""Bytes. A number of more than 4,300 digits, which no row may hold, cannot hide in a line that is shorter."""
_decode = msgspec.json.Decoder().decode


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Gives (line number, object) for each line that is not blank. Raises `DataError` at the first broken one."""
    for number, line in _lines(path):
        yield number, _read_row(path, number, line)


def rows_or_errors(path: Path) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
    """As `read_rows`, with what is wrong in place of a broken line, for who tells of all of them."""
    for number, line in _lines(path):
        try:
            row = _read_row(path, number, line)
        except DataError as error:
            yield number, error
        else:
            yield number, row


def read_rollouts(path: str | Path) -> list[Rollout]:
    """Reads rollouts. Without `id` a row is `line-<n>`; without `group` its prompt's hash is."""
    path = Path(path)
    return [rollout_of(row, path=path, line=number) for number, row in read_rows(path)]


def rollouts_of(rows: Iterable[Rollout | Mapping[str, Any]]) -> list[Rollout]:
    """Gives rollouts as they are, and makes those that are rows of a file, as `read_rollouts` would."""
    return [
        row if isinstance(row, Rollout) else rollout_of(row, path=Path("rollouts"), line=number)
        for number, row in enumerate(rows, start=1)
    ]


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of rollouts holds, read once from end to end before anything is scored."""

    path: Path
    rollouts: int
    bad: tuple[tuple[int, str], ...]
    """(line number, what is wrong) of the lines that are skipped."""
    together: bool
    """Whether the rollouts of each group stand one after another."""


def scan_rollouts(
    path: Path,
    *,
    require: Callable[[Rollout], None] | None = None,
    enough: Sequence[str] | None = None,
    skip_bad: bool = False,
) -> Scan:
    """Reads a whole file for errors of form. `require` raises `DataError` for a rollout that cannot be scored.

    It is not asked about a row of texts that holds every column of `enough`. Raises `DataError` with file and line at
    the first bad line, unless those are skipped.
    """
    bad: list[tuple[int, str]] = []
    seen: set[int] = set()
    latest: str | None = None
    together = True
    count = 0
    plain_group = None if enough is None else _plain_group(enough)
    for number, line in _lines(path):
        try:
            group = plain_group(line) if plain_group is not None else None
            if group is None:
                rollout = _taken(_read_row(path, number, line), path, number)
                if require is not None:
                    _require(rollout, require, path, number)
                group = rollout.group
        except DataError as error:
            if not skip_bad:
                raise
            bad.append((number, str(error)))
            continue
        count += 1
        if group != latest:
            # Hashes and not the names: a million groups are remembered in some tens of megabytes.
            mark = hash(group)
            together &= mark not in seen
            seen.add(mark)
            latest = group
    return Scan(path=path, rollouts=count, bad=tuple(bad), together=together)


def rollouts_in(scan: Scan) -> Iterator[Rollout]:
    """Gives the rollouts of a file that was scanned, one after another, without those that are skipped."""
    bad = {number for number, _ in scan.bad}
    for number, line in _lines(scan.path):
        if number not in bad:
            yield _taken(_read_row(scan.path, number, line), scan.path, number)


def rollout_of(row: Mapping[str, Any], *, path: Path, line: int, completion: str | None = None) -> Rollout:
    """Makes a rollout of a row; `completion` stands in where the row has none yet."""
    return _taken(dict(row), path, line, completion)


def _taken(columns: dict[str, Any], path: Path, line: int, completion: str | None = None) -> Rollout:
    """Takes a row apart, which becomes the rollout's further columns."""
    pop = columns.pop
    text = pop("completion", completion)
    if not isinstance(text, str):
        raise DataError(f"{path}:{line}: 'completion' must be a text; add it, or score a file of rollouts")
    try:
        prompt = pop("prompt")
        if not isinstance(prompt, str):
            prompt = msgspec.convert(prompt, tuple[Message, ...])
    except KeyError:
        raise DataError(f"{path}:{line}: no 'prompt'; add the text or the chat messages that were answered") from None
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise DataError(f"{path}:{line}: 'prompt' must be a text or a list of role and content ({error})") from None
    reference = pop("reference", None)
    # A column of Parquet that some rows leave out holds null there.
    name, group = pop("id", None), pop("group", None)
    try:
        name = f"line-{line}" if name is None else str(name)
        group = group_of(prompt) if group is None else str(group)
        if not (name.isascii() and group.isascii()):
            (name + group).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"{path}:{line}: 'id', 'group' or 'prompt' holds half a surrogate; write whole characters"
        ) from None
    return Rollout(
        id=name,
        group=group,
        prompt=prompt,
        completion=text,
        reference=reference if isinstance(reference, str) else None,
        columns=columns,
    )


def group_of(prompt: str | tuple[Message, ...]) -> str:
    """Gives the first 16 hex digits of the prompt's SHA-256: rollouts of one prompt share it."""
    return hashlib.sha256(msgspec.json.encode(prompt)).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Gives the SHA-256 of a file. Raises `DataError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def write_rows(path: str | Path, rows: Iterable[Any]) -> None:
    """Writes rows as JSONL. The file appears whole or not at all."""
    encoder = msgspec.json.Encoder()
    with appearing(Path(path)) as out:
        for row in rows:
            out.write(encoder.encode(row) + b"\n")


@contextmanager
def appearing(path: Path) -> Generator[BinaryIO]:
    """Opens a file for writing that appears whole, at the end of the block, or not at all."""
    if path.is_dir():
        raise UnavailableError(f"{path}: cannot be written (it is a folder); name a file in it")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb", buffering=BUFFER) as out:
            yield out
        partial.replace(path)
    except OSError as error:
        raise UnavailableError(
            f"{path}: cannot be written ({error.strerror}); free space or name another place"
        ) from error
    finally:
        # The place itself may be impossible; what is told then is why nothing could be written.
        with suppress(OSError):
            partial.unlink()


def _lines(path: Path) -> Iterator[tuple[int, bytes | dict[str, Any]]]:
    """Gives the lines that are not blank, with their numbers; of a Parquet file its rows."""
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        with path.open("rb", buffering=BUFFER) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.isspace():
                    yield number, line
    except FileNotFoundError:
        raise _not_there(path) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a file that can") from error


def _not_there(path: Path) -> DataError:
    return DataError(f"{path}: no such file; correct its name, or the working folder")


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise UnavailableError(
            f"{path}: reading Parquet needs pyarrow; pip install 'dikast[train]', or give JSONL"
        ) from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError:
        raise _not_there(path) from None
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({' '.join(str(error).split())[:200]})") from error


class _Texts(msgspec.Struct, gc=False):
    id: str
    group: str
    prompt: str
    completion: str


def _plain_group(columns: Sequence[str]) -> Callable[[bytes | dict[str, Any]], str | None]:
    """Makes what gives the group of a line whose form is right at first sight, as most are; None asks for a closer look.

    That is a line of plain ASCII with an id, a group, a prompt and a completion, and with a text in each of the columns.
    """
    fields = [(f"column_{at}", str, msgspec.field(name=name)) for at, name in enumerate(dict.fromkeys(columns))]
    made = msgspec.defstruct("PlainRow", fields, bases=(_Texts,), gc=False)
    decode = msgspec.json.Decoder(cast("type[_Texts]", made)).decode

    def plain_group(line: bytes | dict[str, Any]) -> str | None:
        if isinstance(line, dict) or len(line) > LONG_LINE or not line.isascii():
            return None
        try:
            return decode(line).group
        except (msgspec.DecodeError, RecursionError):
            return None

    return plain_group


def _require(rollout: Rollout, require: Callable[[Rollout], None], path: Path, number: int) -> None:
    try:
        require(rollout)
    except DataError as error:
        raise DataError(f"{path}:{number}: {error}") from None


def _read_row(path: Path, number: int, line: bytes | dict[str, Any]) -> dict[str, Any]:
    if isinstance(line, dict):
        return line
    if len(line) > MAX_LINE_BYTES:
        raise DataError(f"{path}:{number}: the line has {len(line)} bytes (limit {MAX_LINE_BYTES})")
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = _leniently(path, number, line)
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number}: must be a JSON object, not {type(row).__name__}")
    return row


def _leniently(path: Path, number: int, line: bytes) -> Any:
    """Reads what the strict reader does not take and a policy may well have written: half surrogates, huge numbers."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}:{number}: not valid JSON ({_why_not(error)}); each line must be one JSON object"
        ) from None


def _why_not(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has more than 4,300 digits"
