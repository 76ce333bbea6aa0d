"""Reads a file of ratings into columns of codes: JSONL or CSV, a row a verdict, `item, rater, label` and what else is there.

    columns = read_columns(Path("ratings.jsonl"))

A name or label is looked up once in a table of those seen, so that a million rows cost seconds and no row is kept as
an object. The file may come from anywhere: lines are bounded, and nothing in it is evaluated.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, BinaryIO, TypeAlias

import msgspec
import numpy as np

from dikast.errors import DataError
from dikast.stats.ratings import Ints

MAX_LINE_BYTES = 1024 * 1024
_BLOCK_BYTES = 8 * 1024 * 1024
_NEEDED = ("item", "rater", "label")
_OPTIONAL = ("criterion", "repeat", "order")
NAMES = (*_NEEDED, *_OPTIONAL)
_ROW_SHAPE = '{"item": name, "rater": name, "label": number, true, false, text or null}'

Name: TypeAlias = str | int | None
RawLabel: TypeAlias = bool | float | str | None
_Lines: TypeAlias = Iterator[tuple[int, list[bytes]]]


_Given: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)] | int


class _Row(msgspec.Struct, gc=False):
    item: _Given
    rater: _Given
    label: bool | float | str | None
    criterion: str | int | None = None
    repeat: str | int | None = None
    order: str | int | None = None


class Column(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One column: the distinct values as they stand in the file, and each row's position among them."""

    seen: tuple[Name | RawLabel, ...]
    codes: Ints


class Columns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A file of ratings. A boolean label stands as the text `true` or `false`."""

    path: Path
    line: Ints
    """Of each row."""
    item: Column
    rater: Column
    label: Column
    criterion: Column
    repeat: Column
    order: Column


class _Gathering:
    """Collects rows, column by column."""

    def __init__(self) -> None:
        # Each new value gets the next code.
        self.seen = {name: defaultdict[Name | RawLabel, int](count().__next__) for name in NAMES}
        self.codes: dict[str, list[Ints]] = {name: [] for name in NAMES}
        self.lines: list[Ints] = []

    def add(self, name: str, values: Sequence[Name | RawLabel]) -> None:
        codes = map(self.seen[name].__getitem__, values)
        self.codes[name].append(np.fromiter(codes, dtype=np.int64, count=len(values)))

    def columns(self, path: Path) -> Columns:
        if not self.lines:
            raise DataError(f"{path}: no row; a row is an item, a rater and a label")
        made = {name: Column(seen=tuple(self.seen[name]), codes=np.concatenate(self.codes[name])) for name in NAMES}
        return Columns(path=path, line=np.concatenate(self.lines), **made)


def read_columns(path: Path) -> Columns:
    """Reads a file whose name ends in .csv or .tsv as a table with a header, any other as JSONL.

    Raises `DataError` with file and line at the first row that cannot be used.
    """
    gathering = _Gathering()
    delimiter = {".csv": ",", ".tsv": "\t"}.get(path.suffix.lower())
    try:
        with path.open("rb") as file:
            if delimiter is None:
                _read_jsonl(path, _blocks(path, file), gathering)
            else:
                _read_table(path, _blocks(path, file), gathering, delimiter)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    return gathering.columns(path)


def _blocks(path: Path, file: BinaryIO) -> _Lines:
    """Gives (number of the first line, lines with their ends) in blocks that memory holds, however long a line is."""
    number, rest, first = 1, b"", True
    while block := file.read(_BLOCK_BYTES):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        block = rest + block
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        lines = block[:cut].splitlines(keepends=True)
        _check_lengths(path, number, [*lines, rest])
        if lines:
            yield number, lines
        number += len(lines)
    if rest:
        yield number, [rest]


def _check_lengths(path: Path, number: int, lines: list[bytes]) -> None:
    if max(map(len, lines), default=0) > MAX_LINE_BYTES:
        at = next(at for at, line in enumerate(lines) if len(line) > MAX_LINE_BYTES)
        raise DataError(
            f"{path}:{number + at}: the line has more than {MAX_LINE_BYTES} bytes; a rating is an item's name, a rater and a label"
        )


def _read_jsonl(path: Path, blocks: _Lines, gathering: _Gathering) -> None:
    decode = msgspec.json.Decoder(_Row).decode
    for number, lines in blocks:
        try:
            rows = [decode(line) for line in lines]
            numbers = np.arange(number, number + len(rows), dtype=np.int64)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # A blank line, which is none of ours, or a broken one, which is told with its number.
            kept = [(number + at, line) for at, line in enumerate(lines) if not line.isspace()]
            rows = [_decoded(path, at, line, decode) for at, line in kept]
            numbers = np.array([at for at, _ in kept], dtype=np.int64)
        if not rows:
            continue
        gathering.lines.append(numbers)
        gathering.add("item", [row.item for row in rows])
        gathering.add("rater", [row.rater for row in rows])
        gathering.add("label", _unmixed([row.label for row in rows]))
        gathering.add("criterion", [row.criterion for row in rows])
        gathering.add("repeat", [row.repeat for row in rows])
        gathering.add("order", [row.order for row in rows])


def _unmixed(labels: list[RawLabel]) -> list[RawLabel]:
    """Writes booleans as texts: Python takes True for 1, and a file may hold both."""
    if bool not in set(map(type, labels)):
        return labels
    return ["true" if label is True else "false" if label is False else label for label in labels]


def _decoded(path: Path, number: int, line: bytes, decode: Callable[[bytes], _Row]) -> _Row:
    try:
        return decode(line)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}:{number}: {error}; a row is {_ROW_SHAPE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path}:{number}: not valid JSON ({error}); each line must be one JSON object") from None


def _read_table(path: Path, blocks: _Lines, gathering: _Gathering, delimiter: str) -> None:
    reader = csv.reader(_texts(path, blocks), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [""])]
        places = _places(path, header)
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        for row in reader:
            if len(row) != len(header):
                if not row:
                    continue
                raise DataError(f"{path}:{reader.line_num}: {len(row)} cells, but the header has {len(header)}")
            rows.append(tuple(row))
            lines.append(reader.line_num)
            if len(rows) == _TABLE_ROWS:
                _add_cells(path, gathering, places, rows, lines)
                rows, lines = [], []
        _add_cells(path, gathering, places, rows, lines)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not valid CSV ({error})") from None


_TABLE_ROWS = 100_000


def _texts(path: Path, blocks: _Lines) -> Iterator[str]:
    for number, lines in blocks:
        for at, line in enumerate(lines):
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise DataError(f"{path}:{number + at}: not UTF-8; save the file as UTF-8") from None


def _places(path: Path, header: list[str]) -> dict[str, int]:
    """Where each of our columns stands."""
    for name in _NEEDED:
        if name not in header:
            raise DataError(f"{path}:1: no column '{name}'; the first line must name item, rater and label")
    for name in NAMES:
        if header.count(name) > 1:
            raise DataError(f"{path}:1: two columns '{name}'; leave one")
    return {name: header.index(name) for name in NAMES if name in header}


def _add_cells(
    path: Path, gathering: _Gathering, places: dict[str, int], rows: list[tuple[str, ...]], lines: list[int]
) -> None:
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    gathering.lines.append(np.array(lines, dtype=np.int64))
    for name in NAMES:
        if name not in places:
            gathering.add(name, [None] * len(rows))
            continue
        # What stands around a name in a table was typed for the eye.
        cells = [cell.strip() for cell in columns[places[name]]]
        if name in ("item", "rater") and "" in cells:
            raise DataError(f"{path}:{lines[cells.index('')]}: no {name}; every row needs one")
        gathering.add(name, cells if name in _NEEDED else [cell or None for cell in cells])
