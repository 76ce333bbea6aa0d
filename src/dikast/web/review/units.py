"""What is labelled: the items of sets or whole completions, with the documents that they are about.

They come from a file of rollouts, with labels or without yet, or are the answers of a run that its judge saw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dikast.certify.labels import Vote, read_labels
from dikast.errors import DataError, UsageError
from dikast.evaluate.records import Answer, Evaluation
from dikast.records import Rollout, Score
from dikast.report.candidate import Field, fields_of
from dikast.reward.binding import Bound, bind, case_of, duplicates
from dikast.rollouts import read_rows, rollout_of
from dikast.spec.reward import RewardSpec


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate that people label, and the row that it is in a labels file."""

    id: str
    """The rollout's."""
    item: int | None
    documents: tuple[tuple[str, str], ...]
    candidate: tuple[Field, ...]
    prompt: str | None
    """What was answered, where no document shows it."""
    case: str
    """Hash of what the judge is shown: of units that have it in common a judge says the same."""
    row: dict[str, Any]
    labels: Mapping[str, Mapping[str, Vote]] = {}
    """What stood in the file before: criterion id → annotator → answer."""
    repeats: bool = False
    """An earlier item of its set says the same: no judge was asked about this one."""

    @property
    def key(self) -> str:
        """What the page calls it. It tells nothing: an id may name the arm that wrote the answer."""
        return hashlib.sha256(msgspec.json.encode([self.id, self.item])).hexdigest()[:16]


def units_of_file(spec: RewardSpec, path: Path) -> list[Unit]:
    """Reads the units of a labels file; a row of a set that names no item stands for all of its items."""
    rows = dict(read_rows(path))
    units: list[Unit] = []
    for labelled in read_labels(path, unlabelled=True).rows:
        where = f"{path}:{labelled.line}"
        bound = _bound(spec, labelled.rollout, where)
        if labelled.item is not None and labelled.item not in bound.units():
            raise DataError(f"{where}: no item {labelled.item} to label; {_has(bound, spec)}")
        if labelled.item is None and bound.is_set and labelled.labels:
            raise DataError(f"{where}: it has labels and names no 'item'; say which item of the set was labelled")
        items = bound.units() if labelled.item is None else [labelled.item]
        made = _units(bound, items, rows[labelled.line] | {"id": labelled.rollout.id, "group": labelled.rollout.group})
        units += (msgspec.structs.replace(unit, labels=labelled.labels) for unit in made)
    _require_once(units, path)
    return units


def _bound(spec: RewardSpec, rollout: Rollout, where: str) -> Bound:
    try:
        return bind(spec, rollout)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _has(bound: Bound, spec: RewardSpec) -> str:
    if not bound.is_set:
        return f"{spec.path} judges completions as a whole"
    return f"the completion has {len(bound.items or ())} under '{spec.file.items}'"


def _require_once(units: Sequence[Unit], path: Path) -> None:
    seen: set[tuple[str, int | None]] = set()
    for unit in units:
        if (unit.id, unit.item) in seen:
            raise DataError(f"{path}: item {unit.item} of '{unit.id}' stands in two rows; remove one of them")
        seen.add((unit.id, unit.item))


def units_of_run(spec: RewardSpec, folder: Path, evaluation: Evaluation) -> tuple[list[Unit], list[Score]]:
    """Gives the answers of a run that came before its judge, and their scores under the units' ids.

    What a gate stopped is left out, as the judge never sees it, and so is what an earlier answer to the same prompt
    says in the same words. The id of an answer is its arm and the rollout's.
    """
    units: list[Unit] = []
    scores: list[Score] = []
    seen: set[bytes] = set()
    for answer, rollout in _answered(folder, evaluation):
        if answer.score.status == "gated":
            continue
        name = f"{answer.arm}/{rollout.id}"
        bound = _bound(spec, msgspec.structs.replace(rollout, id=name), str(folder))
        for unit in _units(bound, bound.units(), _row_of(bound.rollout)):
            told = msgspec.json.encode([rollout.group, case_of(bound, unit.item).candidate])
            if not unit.repeats and told not in seen:
                seen.add(told)
                units.append(unit)
        scores.append(msgspec.structs.replace(answer.score, id=name))
    return units, scores


def _answered(folder: Path, evaluation: Evaluation) -> Iterator[tuple[Answer, Rollout]]:
    """Pairs each answer that was judged with its rollout, which holds the columns."""
    if len(evaluation.about.seeds) > 1:
        raise UsageError(f"{folder}: pools several runs; label the answers of one of them")
    known: dict[tuple[str, str], Rollout] = {}
    for arm in dict.fromkeys(answer.arm for answer in evaluation.answers):
        for kind in ("greedy", "sampled"):
            path = folder / "eval" / f"{arm}.{kind}.jsonl"
            if path.is_file():
                known |= {
                    (arm, (rollout := rollout_of(row, path=path, line=line)).id): rollout
                    for line, row in read_rows(path)
                }
    for answer in evaluation.answers:
        rollout = known.get((answer.arm, answer.score.id))
        if rollout is None:
            raise DataError(
                f"{folder}: the answers of '{answer.arm}' are not kept here; "
                "label the file they came from: dikast review FILE --reward REWARD"
            )
        yield answer, rollout


def _row_of(rollout: Rollout) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(rollout)
    return {**row.pop("columns"), **row}


def _units(bound: Bound, items: Sequence[int | None], row: Mapping[str, Any]) -> Iterator[Unit]:
    again = duplicates(bound)
    for item in items:
        yield Unit(
            id=bound.rollout.id,
            item=item,
            documents=bound.documents,
            candidate=tuple(fields_of(bound, item)),
            prompt=_prompt(bound),
            case=_case(bound, item),
            row={**row} if item is None else {**row, "item": item},
            repeats=item in again,
        )


def _case(bound: Bound, item: int | None) -> str:
    case = case_of(bound, item)
    return hashlib.sha256(msgspec.json.encode([case.documents, case.candidate])).hexdigest()


def _prompt(bound: Bound) -> str | None:
    prompt = bound.rollout.prompt
    text = prompt if isinstance(prompt, str) else "\n\n".join(f"{turn.role}: {turn.content}" for turn in prompt)
    return None if any(document == text for _, document in bound.documents) else text
