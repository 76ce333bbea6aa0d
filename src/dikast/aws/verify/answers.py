"""Reads an answer as strictly as a trainer ought to, and says what is wrong with it. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dikast.aws.verify.samples import Sample

_TYPES = frozenset({"Metric", "Reward"})


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with an answer."""

    check: str
    said: str
    kind: str = ""
    """What tells several problems of one check apart."""


def rows_in(answer: Any, *, envelope: bool) -> tuple[list[Any], Problem | None]:
    """The rows of an answer, or what is wrong with it as a whole."""
    if not envelope:
        if isinstance(answer, list):
            return answer, None
        what = "the statusCode/body envelope" if isinstance(answer, dict) and "body" in answer else _kind(answer)
        return [], Problem("form", f"answers {what}, not the bare list of rows that Nova's trainers read")
    if not isinstance(answer, dict) or answer.get("statusCode") != 200 or "body" not in answer:
        return [], Problem("form", f"answers {_kind(answer)}, not the envelope with statusCode 200 and body")
    body = answer["body"]
    try:
        rows = json.loads(body) if isinstance(body, str) else body
    except ValueError as error:
        return [], Problem("form", f"the envelope's body is no JSON ({error})")
    return (rows, None) if isinstance(rows, list) else ([], Problem("form", f"the body is {_kind(rows)}, not a list"))


def problems_of(
    sent: Sequence[Sample], answer: Any, *, limits: tuple[float, float], envelope: bool = False
) -> list[Problem]:
    """What is wrong with the answer to samples that have ids. One problem a kind, with the first place."""
    rows, whole = rows_in(answer, envelope=envelope)
    if whole:
        return [whole]
    found = [*_about_rows(rows), *_about_ids(sent, rows), *_about_scores(rows, limits), *_about_metrics(rows)]
    return list({(problem.check, problem.kind): problem for problem in reversed(found)}.values())[::-1]


def scores_in(answer: Any, *, envelope: bool = False) -> list[Any]:
    """The scores of an answer's rows, whatever they are."""
    rows, _ = rows_in(answer, envelope=envelope)
    return [row.get("aggregate_reward_score") if isinstance(row, dict) else None for row in rows]


def number(value: Any) -> float | None:
    """A score where it is a finite number, and no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _about_rows(rows: Sequence[Any]) -> Iterator[Problem]:
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            yield Problem("form", f"row {at} is {_kind(row)}, not an object")
        elif lacks := {"id", "aggregate_reward_score"} - row.keys():
            yield Problem("form", f"row {at} lacks {', '.join(sorted(lacks))}")


def _about_ids(sent: Sequence[Sample], rows: Sequence[Any]) -> Iterator[Problem]:
    wanted = [sample["id"] for sample in sent]
    given = [row.get("id") if isinstance(row, dict) else None for row in rows]
    if len(given) != len(wanted):
        yield Problem("count", f"{len(wanted)} samples were sent and {len(given)} rows came back")
    if strange := [one for one in given if one not in wanted]:
        yield Problem(
            "ids",
            f"{len(strange)} of {len(given)} rows carry an id that no sample has, the first {_short(strange[0])}: "
            "rewards would go to the wrong samples, or to none",
        )
    elif len(set(map(str, given))) < len(set(map(str, wanted))):
        yield Problem("ids", "several rows carry the same id, and some samples' ids are in no row")
    elif given != wanted and len(given) == len(wanted):
        yield Problem("order", "the rows are not in the order of the samples")


def _about_scores(rows: Sequence[Any], limits: tuple[float, float]) -> Iterator[Problem]:
    for at, row in enumerate(rows):
        if isinstance(row, dict) and "aggregate_reward_score" in row:
            yield from _about_number("scores", f"row {at}", row["aggregate_reward_score"])
            value, (low, high) = number(row["aggregate_reward_score"]), limits
            if value is not None and not low <= value <= high:
                yield Problem("range", f"row {at} has {value:g}, outside [{low:g}, {high:g}]")


def _about_metrics(rows: Sequence[Any]) -> Iterator[Problem]:
    for at, row in enumerate(rows):
        entries = row.get("metrics_list") if isinstance(row, dict) else None
        if entries is None:
            continue
        if not isinstance(entries, list):
            yield Problem("metrics", f"row {at}: metrics_list is {_kind(entries)}, not a list")
            continue
        for entry in entries:
            yield from _about_entry(f"row {at}", entry)


def _about_entry(where: str, entry: Any) -> Iterator[Problem]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        yield Problem("metrics", f"{where}: an entry of metrics_list has no name")
        return
    name = f"{where}: {entry['name']}"
    if entry.get("type") not in _TYPES:
        yield Problem("metrics", f"{name}: its type is {_short(entry.get('type'))}, neither Metric nor Reward")
    yield from _about_number("metrics", name, entry.get("value"))


def _about_number(check: str, where: str, value: Any) -> Iterator[Problem]:
    if number(value) is not None:
        return
    if value is None:
        yield Problem(check, f"{where} has null: a failure has no number, and the trainer's validation fails", "null")
    elif isinstance(value, bool):
        yield Problem(check, f"{where} has the boolean {value}, which counts as {int(value)} unseen", "boolean")
    elif isinstance(value, str):
        yield Problem(check, f"{where} has the text {_short(value)}, not a number", "text")
    else:
        yield Problem(check, f"{where} has {_short(value)}, which is no finite number", "infinite")


def _short(value: Any) -> str:
    return repr(value)[:60]


def _kind(value: Any) -> str:
    names = {type(None): "null", dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return names.get(type(value), "a number")
