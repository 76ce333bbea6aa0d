"""Binds a rollout's columns to a reward's inputs, and cuts its completion into what is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from dikast.checks.base import Checked
from dikast.checks.parsing import items_of, parse_completion
from dikast.errors import DataError
from dikast.judges.render import Case, candidate_text, fill, plain
from dikast.quoting import fold
from dikast.records import Rollout
from dikast.spec.reward import RecallSpec, RewardFile, RewardSpec

FIXED = frozenset({"prompt", "completion", "reference", "id", "group"})


class Bound(Checked, frozen=True, kw_only=True):
    """A rollout as a reward sees it: what its checks see, and what of it the judge is shown."""

    is_set: bool
    show: tuple[str, ...] | None
    read: tuple[str, ...] | None
    """Inputs that the judge reads; None for all."""

    def units(self) -> list[int | None]:
        """What is judged: each item of a set by its position, or None for the whole completion."""
        return list(range(len(self.items or ()))) if self.is_set else [None]


def bind(spec: RewardSpec, rollout: Rollout) -> Bound:
    """Binds a rollout. Raises `DataError` when a column that the reward names is not there."""
    file = spec.file
    documents: list[tuple[str, str]] = []
    for name, column in file.inputs.items():
        documents.append((name, text_of(rollout, column, spec)))
    _require_more(spec, rollout)
    return _cut(file, rollout, tuple(documents), file.judge.inputs)


def bare(spec: RewardSpec, rollout: Rollout) -> Bound:
    """Binds a rollout whose columns are not at hand: only for what its completion is cut into."""
    return _cut(spec.file, rollout, (), None)


def _cut(
    file: RewardFile, rollout: Rollout, documents: tuple[tuple[str, str], ...], read: tuple[str, ...] | None
) -> Bound:
    parsed = parse_completion(rollout.completion)
    return Bound(
        rollout=rollout,
        documents=documents,
        parsed=parsed,
        items=items_of(parsed, file.items) if file.items else None,
        is_set=file.items is not None,
        show=file.judge.show,
        read=read,
    )


def require_columns(spec: RewardSpec, rollout: Rollout) -> None:
    """Raises `DataError` when a column that the reward names is not there, without reading what stands in it."""
    for column in spec.file.inputs.values():
        if rollout.columns.get(column) is None:
            _required(rollout, column, f"inputs of {spec.path} name")
    _require_more(spec, rollout)


def enough_columns(spec: RewardSpec) -> tuple[str, ...] | None:
    """Columns whose being there is all that `require_columns` asks; None where it looks closer, or beyond the columns."""
    file = spec.file
    named = tuple(file.inputs.values())
    closer = file.recall is not None or file.judge.compare == "reference" or not FIXED.isdisjoint(named)
    return None if closer else named


def _require_more(spec: RewardSpec, rollout: Rollout) -> None:
    if spec.file.recall is not None:
        _require_issues(rollout, spec.file.recall, spec)
    if spec.file.judge.compare == "reference":
        _required(rollout, "reference", f"judge.compare of {spec.path} names")


def text_of(rollout: Rollout, column: str, spec: RewardSpec) -> str:
    """Gives a column as text; what is no text is shown as JSON."""
    value = rollout.columns.get(column)
    if isinstance(value, str) and column not in FIXED:
        return value
    value = _required(rollout, column, f"inputs of {spec.path} name")
    if value is rollout.prompt and not isinstance(rollout.prompt, str):
        return "\n\n".join(f"{turn.role}: {turn.content}" for turn in rollout.prompt)
    return plain(value)


def case_of(bound: Bound, item: int | None) -> Case:
    """Gives what is put before the judge for one item, or for the whole completion where item is None."""
    if item is not None:
        candidate = candidate_text((bound.items or ())[item], bound.show)
    elif bound.show is None:
        candidate = bound.rollout.completion
    elif bound.is_set:
        # The fields to show are the items'.
        candidate = "\n\n".join(candidate_text(one, bound.show) for one in bound.items or ())
    else:
        candidate = _whole(bound.rollout.completion, bound.parsed, bound.show)
    seen = bound.documents if bound.read is None else tuple((name, bound.inputs[name]) for name in bound.read)
    return Case(documents=seen, candidate=candidate, rollout=bound.rollout.id, item=item)


def reference_of(bound: Bound) -> str:
    """Gives the reference as a completion is shown: what looks different is not judged alike."""
    reference: str = bound.rollout.column("reference")
    return _whole(reference, parse_completion(reference), bound.show)


def _whole(text: str, parsed: Any, show: Sequence[str] | None) -> str:
    """What is no JSON object has no fields to choose from, and is shown whole."""
    return text if show is None or not isinstance(parsed, Mapping) else candidate_text(parsed, show)


def issue_text(issue: Any) -> str:
    """The question whether a set raises one of the expert's issues."""
    return fill("issue", {"issue": candidate_text(issue)})


def duplicates(bound: Bound) -> frozenset[int]:
    """Finds the items that repeat an earlier one of the set, in what the judge sees of them."""
    seen: set[str] = set()
    again: set[int] = set()
    for at in range(len(bound.items or ())):
        key = fold(case_of(bound, at).candidate).casefold()
        if key in seen:
            again.add(at)
        seen.add(key)
    return frozenset(again)


def _required(rollout: Rollout, column: str, named_by: str) -> Any:
    value = getattr(rollout, column) if column in FIXED else rollout.columns.get(column)
    if value is None:
        # null too: a judge that reads "null" for a document judges something else.
        known = {"prompt", "completion", *rollout.columns} - {column}
        has = ", ".join(sorted(known))
        raise DataError(
            f"rollout '{rollout.id}': no column '{column}', which {named_by}; add it, or name one that is there: {has}"
        )
    return value


def _require_issues(rollout: Rollout, recall: RecallSpec, spec: RewardSpec) -> None:
    issues = _required(rollout, recall.issues, f"recall of {spec.path} names")
    if recall.key is None:
        if not isinstance(issues, list):
            raise DataError(
                f"rollout '{rollout.id}': '{recall.issues}' must be a list, which recall of {spec.path} counts"
            )
        return
    listed = cast("list[Any]", issues) if isinstance(issues, list) else [None]
    if not all(isinstance(issue, Mapping) and _field(issue, recall.key) is not None for issue in listed):
        raise DataError(
            f"rollout '{rollout.id}': '{recall.issues}' must be a list of objects with '{recall.key}', "
            f"by which recall of {spec.path} counts them"
        )


def _field(issue: Any, key: str) -> Any:
    return issue.get(key)
