"""Reads the labels of a preference judge: pairs of completions, and which of the two people prefer.

    labels = read_pairs(Path("pairs.jsonl"))
    split = split_labels(labels)            # by prompt, as labels on criteria are

A row is `{"prompt", "a", "b", "labels": {annotator: "a" | "b" | "tie"}}`, with the reward's columns beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from dikast.certify.labels import Part, Vote, require_plain, stated_part
from dikast.errors import DataError
from dikast.records import Rollout
from dikast.rollouts import file_hash, read_rows, rollout_of
from dikast.spec.judge import PREFERENCE

Side = Literal["a", "b"]

_VOTES: Mapping[str, Vote] = {"a": True, "b": False, "tie": "n/a"}
_OWN_KEYS = frozenset({"a", "b", "labels", "expect", "split", "id", "completion"})
_SHAPE = '{"prompt", "a", "b", "labels": {annotator: "a", "b" or "tie"}}'


class LabelledPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two completions of one prompt, with people's answers."""

    line: int
    id: str
    a: Rollout
    b: Rollout
    votes: dict[str, Vote]
    """annotator → whether a is the better one; "n/a" for a tie."""
    split: Part | None = None

    @property
    def group(self) -> str:
        return self.a.group

    @property
    def answers(self) -> Mapping[str, Mapping[str, Vote]]:
        return {PREFERENCE: self.votes}


class PairLabels(msgspec.Struct, frozen=True, kw_only=True):
    """A file of labelled pairs."""

    path: Path
    rows: tuple[LabelledPair, ...]
    hash: str
    """SHA-256 of the file."""

    @property
    def annotators(self) -> tuple[str, ...]:
        return tuple(sorted({name for row in self.rows for name in row.votes}))


def read_pairs(path: Path) -> PairLabels:
    """Reads a file of labelled pairs. Raises `DataError` with file and line at the first row that cannot be used."""
    rows: list[LabelledPair] = []
    ids: dict[str, int] = {}
    texts: dict[tuple[str, frozenset[str]], int] = {}
    for line, row in read_rows(path):
        pair = _pair(row, path, line)
        if (first := ids.setdefault(pair.id, line)) != line:
            raise DataError(f"{path}:{line}: the same id as line {first}; give every pair its own")
        shown = frozenset((pair.a.completion, pair.b.completion))
        if (first := texts.setdefault((pair.group, shown), line)) != line:
            raise DataError(
                f"{path}:{line}: the same two texts as line {first}; put all annotators of a pair into one row"
            )
        rows.append(pair)
    if not rows:
        raise DataError(f"{path}: no row; label some pairs first")
    return PairLabels(path=path, rows=tuple(rows), hash=file_hash(path))


def _pair(row: dict[str, Any], path: Path, line: int) -> LabelledPair:
    where = f"{path}:{line}"
    require_plain(row, where)
    for side in ("a", "b"):
        if not isinstance(row.get(side), str):
            raise DataError(f"{where}: no text '{side}'; a preference reward is certified by {_SHAPE}")
    if row["a"].strip() == row["b"].strip():
        raise DataError(f"{where}: 'a' and 'b' are the same text; there is nothing to prefer, so remove the row")
    name = f"line-{line}" if row.get("id") is None else str(row["id"])
    rest = {key: value for key, value in row.items() if key not in _OWN_KEYS}

    def rollout(side: Side) -> Rollout:
        return rollout_of({**rest, "id": f"{name}/{side}", "completion": row[side]}, path=path, line=line)

    return LabelledPair(
        line=line,
        id=name,
        a=rollout("a"),
        b=rollout("b"),
        votes=_votes(row.get("labels"), where),
        split=stated_part(row, where),
    )


def _votes(labels: Any, where: str) -> dict[str, Vote]:
    if not isinstance(labels, dict):
        raise DataError(f'{where}: \'labels\' must be {{annotator: "a", "b" or "tie"}}')
    votes: dict[str, Vote] = {}
    for name, said in cast("dict[str, Any]", labels).items():
        if isinstance(said, dict):
            raise DataError(
                f"{where}: 'labels' of '{name}' are answers to a criterion, and a preference reward has none; "
                'write {annotator: "a", "b" or "tie"}'
            )
        if not isinstance(said, str) or said not in _VOTES:
            raise DataError(f"{where}: '{name}' says {msgspec.json.encode(said).decode()[:40]}; a label is a, b or tie")
        votes[name] = _VOTES[said]
    return votes
