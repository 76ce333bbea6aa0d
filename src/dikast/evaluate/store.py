"""Keeps an evaluation in a run's folder, reads it back, and pools those of several seeds.

eval/values.jsonl      a line for each seed, arm, metric and document
eval/answers.jsonl     the answers that the judge scored, with all parts
eval/documents.jsonl   what they answer
eval/about.json        how it was made
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from dikast.errors import DataError
from dikast.evaluate.records import About, Answer, Document, Evaluation, Value
from dikast.evaluate.summary import contrasts_of, figures_of
from dikast.rollouts import appearing, write_rows

T = TypeVar("T")

ABOUT = "about.json"


def evaluation_of(
    about: About, values: Sequence[Value], answers: Sequence[Answer], documents: Sequence[Document]
) -> Evaluation:
    """Puts an evaluation together: figures and contrasts are always computed from the values."""
    return Evaluation(
        about=about,
        values=tuple(values),
        answers=tuple(answers),
        documents=tuple(documents),
        arms=figures_of(values),
        contrasts=contrasts_of(values),
    )


def save(evaluation: Evaluation, folder: Path) -> None:
    """Writes an evaluation into a run's folder."""
    place = folder / "eval"
    write_rows(place / "values.jsonl", evaluation.values)
    write_rows(place / "answers.jsonl", evaluation.answers)
    write_rows(place / "documents.jsonl", evaluation.documents)
    with appearing(place / ABOUT) as out:
        out.write(msgspec.json.format(msgspec.json.encode(evaluation.about)) + b"\n")


def read_evaluation(folder: Path) -> Evaluation:
    """Reads the evaluation of a run's folder, its figures computed anew. Raises `DataError` where there is none."""
    place = folder / "eval"
    about = read_about(folder)
    if about is None:
        raise DataError(
            f"{folder}: holds no evaluation ({place / ABOUT} is not there); finish it with 'dikast train {folder}'"
        )
    return evaluation_of(
        about,
        _read(place / "values.jsonl", Value),
        _read(place / "answers.jsonl", Answer),
        _read(place / "documents.jsonl", Document),
    )


def read_about(folder: Path) -> About | None:
    """Says how the evaluation of a run's folder was made; None where there is none."""
    about = folder / "eval" / ABOUT
    return _decode(about.read_bytes(), About, where=str(about)) if about.is_file() else None


def read_pooled(folders: Sequence[Path]) -> Evaluation:
    """Reads the evaluations of several runs as one. Raises `DataError` where they do not measure the same."""
    found = [read_evaluation(folder) for folder in folders]
    first = found[0].about
    seeds: dict[int, Path] = {}
    for folder, one in zip(folders, found, strict=True):
        for name in ("reward_hash", "certificate_hash", "judge", "best_of", "ask", "range"):
            if getattr(one.about, name) != getattr(first, name):
                raise DataError(f"{folder}: another {name} than in {folders[0]}; pool runs that were measured alike")
        for seed in one.about.seeds:
            if seed in seeds:
                raise DataError(f"{folder}: seed {seed} stands in {seeds[seed]} too; pool runs of different seeds")
            seeds[seed] = folder
    if len(found) == 1:
        return found[0]
    documents = {document.document: document for one in found for document in one.documents}
    values = [value for one in found for value in one.values]
    about = msgspec.structs.replace(
        first,
        seeds=tuple(sorted(seeds)),
        documents=len({value.document for value in values}),
        left_out=_added(one.about.left_out for one in found),
        gold_errors=tuple(dict.fromkeys(reason for one in found for reason in one.about.gold_errors)),
        date=max(one.about.date for one in found),
    )
    return evaluation_of(about, values, [a for one in found for a in one.answers], list(documents.values()))


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def _read(path: Path, into: type[T]) -> list[T]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); evaluate the run again") from error
    return [_decode(line, into, where=f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _decode(raw: bytes, into: type[T], *, where: str) -> T:
    try:
        return msgspec.json.decode(raw, type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{where}: not what an evaluation writes ({error}); evaluate the run again") from error
