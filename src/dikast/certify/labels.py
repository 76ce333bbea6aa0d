"""Reads a labels file, the judge's test suite: rollouts with people's answers to the reward's criteria.

    labels = read_labels(Path("labels.jsonl"))
    split = split_labels(labels)            # by group: a part for tuning, and one left untouched

Every row is a rollout, with `item` where one item of a set is labelled,
`"labels": {criterion: {annotator: true | false | "n/a"}}`, and where production told `"outcomes": {metric: number}`; a known answer
has `"expect"`, and may do without labels.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.judge import Criterion

TUNING_SHARE = 0.4
"""Of the groups, where the file does not say which part a row belongs to."""

Vote = bool | Literal["n/a"]
Part = Literal["tuning", "certificate"]
Known = Literal["good", "bad"]
"""An answer that earns credit on every criterion, and one that earns it on none."""

_OWN_KEYS = ("labels", "item", "expect", "split", "outcomes")
_Outcomes = dict[str, bool | int | float]
_UNLABELLED: Mapping[str, Any] = {"labels": {}}


class LabelledRow(msgspec.Struct, frozen=True, kw_only=True):
    """One judged unit, an item of a set or a whole completion, with people's answers."""

    line: int
    rollout: Rollout
    item: int | None
    labels: dict[str, dict[str, Vote]]
    """criterion id → annotator → answer."""
    expect: Any = None
    expected: Known | dict[str, Vote] = {}
    """What the judge is known to have to say: `"expect": "good"`, `"bad"` or `{"answers": {criterion id: answer}}`."""
    half: frozenset[str] = frozenset()
    """Compound criteria that the candidate meets one half of: `"expect": {"half": [criterion id]}`."""
    split: Part | None = None
    outcomes: dict[str, float] = {}
    """metric → what became of it in production."""

    @property
    def group(self) -> str:
        return self.rollout.group

    @property
    def answers(self) -> Mapping[str, Mapping[str, Vote]]:
        return self.labels


class _Expectation(msgspec.Struct):
    """Other keys are read elsewhere, or are somebody else's."""

    answers: dict[str, Vote] = {}


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """A labels file."""

    path: Path
    rows: tuple[LabelledRow, ...]
    hash: str
    """SHA-256 of the file."""

    @property
    def annotators(self) -> tuple[str, ...]:
        return tuple(sorted({name for row in self.rows for votes in row.labels.values() for name in votes}))


class Grouped(Protocol):
    """A labelled row, whatever is labelled in it."""

    @property
    def line(self) -> int: ...
    @property
    def group(self) -> str: ...
    @property
    def split(self) -> Part | None: ...
    @property
    def answers(self) -> Mapping[str, Mapping[str, Vote]]:
        """Question → annotator → answer."""
        ...


class LabelFile(Protocol):
    """A file of them."""

    @property
    def path(self) -> Path: ...
    @property
    def rows(self) -> Sequence[Grouped]: ...


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups were tuned on, and which were left untouched for the certificate."""

    by: Literal["hash", "file"]
    """Whether a hash of the group decided, or the file's own `split`."""
    tuning: tuple[str, ...]
    certificate: tuple[str, ...]
    hash: str
    """SHA-256 over the groups of both parts."""


def read_labels(path: Path, *, unlabelled: bool = False) -> Labels:
    """Reads a labels file. Raises `DataError` with file and line at the first row that cannot be used.

    With `unlabelled` a row may have no labels yet.
    """
    rows: list[LabelledRow] = []
    seen: dict[tuple[str, int | None], int] = {}
    for line, row in read_rows(path):
        labelled = _labelled({**_UNLABELLED, **row} if unlabelled else row, path, line)
        key = (labelled.rollout.id, labelled.item)
        if (first := seen.setdefault(key, line)) != line:
            raise DataError(
                f"{path}:{line}: the same id and item as line {first}; put all annotators of a unit into one row"
            )
        rows.append(labelled)
    if not rows:
        raise DataError(f"{path}: no row; label some rollouts first")
    with path.open("rb") as file:
        return Labels(path=path, rows=tuple(rows), hash=hashlib.file_digest(file, "sha256").hexdigest())


def check_criteria(labels: Labels, criteria: Collection[str]) -> None:
    """Raises `DataError` where a row labels a criterion that the reward does not have, or half of one that it does not label."""
    for row in labels.rows:
        for name in sorted(row.half - row.labels.keys()):
            raise DataError(
                f"{labels.path}:{row.line}: 'expect' says half of '{name}', which the row has no labels for"
            )
        for name in row.expected if isinstance(row.expected, dict) else ():
            if name not in criteria:
                raise DataError(
                    f"{labels.path}:{row.line}: 'expect' has an answer to '{name}', which is no criterion of the reward; "
                    f"its criteria are {', '.join(criteria)}"
                )
        for name in row.labels:
            if name not in criteria:
                raise DataError(
                    f"{labels.path}:{row.line}: labels for '{name}', which is no criterion of the reward; "
                    f"its criteria are {', '.join(criteria)}"
                )


def check_outcomes(labels: Labels, metrics: Collection[str]) -> None:
    """Raises `DataError` where a row carries an outcome that the reward does not name."""
    for row in labels.rows:
        for name in row.outcomes:
            if name not in metrics:
                raise DataError(
                    f"{labels.path}:{row.line}: the outcome '{name}' is not named under 'outcomes' of the reward"
                    + (f", which has {', '.join(metrics)}" if metrics else "; write there from where on it is good")
                )


def check_annotators(labels: LabelFile, least: int) -> None:
    """Raises `DataError` where fewer people than that answered a question that a row labels."""
    for row in labels.rows:
        for name, votes in row.answers.items():
            if votes and len(votes) < least:
                raise DataError(
                    f"{labels.path}:{row.line}: only {', '.join(votes)} answered '{name}', and {least} are needed; "
                    "have more people label it with dikast review, or ask for fewer with --annotators"
                )


def split_labels(labels: LabelFile, tuning_share: float = TUNING_SHARE) -> Split:
    """Splits once, by group: what is tuned on never tells of what is certified.

    The rows' own `split` decides where the file has it; else SHA-256 of the group, so that a group
    stays in its part when the file grows. A group that nobody labelled cannot be tuned on.
    """
    stated = [row for row in labels.rows if row.split is not None]
    parts = _stated_parts(labels) if stated else _drawn_parts(labels, tuning_share)
    tuning = tuple(sorted(group for group, part in parts.items() if part == "tuning"))
    certificate = tuple(sorted(group for group, part in parts.items() if part == "certificate"))
    for name, groups in (("tuning", tuning), ("certificate", certificate)):
        if not groups:
            raise DataError(
                f"{labels.path}: none of its {len(parts)} groups is in the {name} part; "
                "label more prompts, or give every row a 'split' of tuning or certificate"
            )
    return Split(
        by="file" if stated else "hash",
        tuning=tuning,
        certificate=certificate,
        hash=hashlib.sha256(msgspec.json.encode([tuning, certificate])).hexdigest(),
    )


def consensus(votes: Mapping[str, Vote]) -> Vote | None:
    """What more than half of the annotators answered; None where no answer has that."""
    answers = list(votes.values())
    for answer in (True, False, "n/a"):
        if 2 * answers.count(answer) > len(answers):
            return answer
    return None


def expected_of(row: LabelledRow, criteria: Sequence[Criterion]) -> dict[str, Vote]:
    """What the row expects of the judge, criterion by criterion: credit is a yes, or the no to a negative one."""
    if isinstance(row.expected, dict):
        return row.expected
    return {criterion.id: (row.expected == "good") != criterion.negative for criterion in criteria}


def pairs_of(votes: Mapping[str, Vote]) -> Iterator[tuple[bool, bool]]:
    """Gives each pair of annotators who both answered yes or no, in the order of their names."""
    answers = [votes[name] for name in sorted(votes)]
    yes_no = [answer for answer in answers if isinstance(answer, bool)]
    return combinations(yes_no, 2)


def _labelled(row: dict[str, Any], path: Path, line: int) -> LabelledRow:
    where = f"{path}:{line}"
    require_plain(row, where)
    if "a" in row and "b" in row and "completion" not in row:
        raise DataError(
            f"{where}: a pair of 'a' and 'b' is a label for a preference judge, and this reward has a rubric; "
            "write 'completion', and labels on its criteria"
        )
    item, expect = row.get("item"), row.get("expect")
    expected = _expected(expect, where)
    if "labels" not in row and not expected:
        raise DataError(f"{where}: no 'labels'; add {{criterion: {{annotator: true, false or \"n/a\"}}}}")
    try:
        votes = msgspec.convert(row.get("labels", {}), dict[str, dict[str, Vote]])
    except msgspec.ValidationError as error:
        raise DataError(
            f"{where}: 'labels' must be {{criterion: {{annotator: true, false or \"n/a\"}}}} ({error})"
        ) from None
    if item is not None and (type(item) is not int or item < 0):
        raise DataError(f"{where}: 'item' must be the position of an item, counted from 0")
    try:
        outcomes = {name: float(value) for name, value in msgspec.convert(row.get("outcomes", {}), _Outcomes).items()}
    except (msgspec.ValidationError, OverflowError) as error:
        raise DataError(f"{where}: 'outcomes' must be {{metric: number, true or false}} ({error})") from None
    if not all(map(math.isfinite, outcomes.values())):
        raise DataError(f"{where}: 'outcomes' must be finite numbers; leave out what is not known")
    return LabelledRow(
        line=line,
        rollout=rollout_of({k: v for k, v in row.items() if k not in _OWN_KEYS}, path=path, line=line),
        item=item,
        labels=votes,
        expect=expect,
        expected=expected,
        half=_half(expect, where),
        split=stated_part(row, where),
        outcomes=outcomes,
    )


def _expected(expect: Any, where: str) -> Known | dict[str, Vote]:
    if expect is None or expect in get_args(Known):
        return expect or {}
    try:
        return msgspec.convert(expect, _Expectation).answers
    except msgspec.ValidationError as error:
        form = '{"answers": {criterion: true, false or "n/a"}}'
        raise DataError(f"{where}: 'expect' must be good, bad or {form} ({error})") from None


def require_plain(row: Mapping[str, Any], where: str) -> None:
    """Raises `DataError` where a row holds what cannot be written down again."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise DataError(f"{where}: holds half a surrogate pair, or is nested too deeply; write the text anew") from None


def stated_part(row: Mapping[str, Any], where: str) -> Part | None:
    """Gives the part that a row says it belongs to."""
    split = row.get("split")
    if split is not None and split not in get_args(Part):
        raise DataError(f"{where}: 'split' must be tuning or certificate")
    return split


def _half(expect: Any, where: str) -> frozenset[str]:
    """Reads which compound criteria are met by half."""
    if not isinstance(expect, dict) or "half" not in expect:
        return frozenset()
    try:
        return msgspec.convert(cast("dict[str, Any]", expect)["half"], frozenset[str])
    except msgspec.ValidationError as error:
        raise DataError(f"{where}: 'half' of 'expect' must be a list of criterion ids ({error})") from None


def _stated_parts(labels: LabelFile) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for row in labels.rows:
        where = f"{labels.path}:{row.line}"
        if row.split is None:
            raise DataError(f"{where}: no 'split', which other rows have; give it to all rows or to none")
        if parts.setdefault(row.group, row.split) != row.split:
            raise DataError(f"{where}: group '{row.group}' is in both parts; give its rows one 'split'")
    return parts


def _drawn_parts(labels: LabelFile, tuning_share: float) -> dict[str, Part]:
    groups = dict.fromkeys(row.group for row in labels.rows)
    labelled = {row.group for row in labels.rows if any(row.answers.values())}
    return {group: _drawn(group, tuning_share) if group in labelled else "certificate" for group in groups}


def _drawn(group: str, tuning_share: float) -> Part:
    digest = hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest()
    return "tuning" if int.from_bytes(digest[:8], "big") < tuning_share * 2**64 else "certificate"
