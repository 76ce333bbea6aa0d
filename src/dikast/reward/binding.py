"""Binds a rollout's columns to a reward's inputs, and cuts its completion into what is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from dikast.checks.parsing import items_of, parse_completion
from dikast.errors import DataError
from dikast.judges.render import Case
from dikast.quoting import fold
from dikast.records import Message, Rollout
from dikast.spec.reward import RewardSpec


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout as a reward sees it."""

    rollout: Rollout
    documents: tuple[tuple[str, str], ...]
    """(shown name, text) in the reward's order."""
    parsed: Any
    """The completion's JSON value, or `checks.parsing.NOT_JSON`."""
    items: tuple[Any, ...] | None
    """The set's items; None where the reward judges the completion as a whole, or no list stands there."""
    is_set: bool
    show: tuple[str, ...] | None

    @property
    def inputs(self) -> dict[str, str]:
        return dict(self.documents)

    def units(self) -> list[int | None]:
        """What is judged: each item of a set by its position, or None for the whole completion."""
        return list(range(len(self.items or ()))) if self.is_set else [None]


def bind(spec: RewardSpec, rollout: Rollout) -> Bound:
    """Binds a rollout. Raises `DataError` when a column that the reward names is not there."""
    file = spec.file
    parsed = parse_completion(rollout.completion)
    return Bound(
        rollout=rollout,
        documents=tuple((name, text_of(rollout, column, spec)) for name, column in file.inputs.items()),
        parsed=parsed,
        items=items_of(parsed, file.items) if file.items else None,
        is_set=file.items is not None,
        show=file.judge.show,
    )


def text_of(rollout: Rollout, column: str, spec: RewardSpec) -> str:
    """Gives a column as text; what is no text is shown as JSON."""
    try:
        value = rollout.column(column)
    except KeyError:
        has = ", ".join(sorted({"prompt", "completion", "reference", *rollout.columns}))
        raise DataError(
            f"rollout '{rollout.id}': no column '{column}', which inputs of {spec.path} name; it has {has}"
        ) from None
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and all(isinstance(turn, Message) for turn in value):
        return "\n\n".join(f"{turn.role}: {turn.content}" for turn in value)
    return json.dumps(value, ensure_ascii=False)


def case_of(bound: Bound, item: int | None) -> Case:
    """Gives what is put before the judge for one item, or for the whole completion where item is None."""
    if item is None:
        candidate = _shown_fields(bound.parsed, bound.show) if bound.show else bound.rollout.completion
    else:
        candidate = _shown_fields((bound.items or ())[item], bound.show)
    return Case(documents=bound.documents, candidate=candidate)


def duplicates(bound: Bound) -> set[int]:
    """Finds the items that repeat an earlier one of the set, in what the judge sees of them."""
    seen: set[str] = set()
    again: set[int] = set()
    for at in range(len(bound.items or ())):
        key = fold(case_of(bound, at).candidate).casefold()
        if key in seen:
            again.add(at)
        seen.add(key)
    return again


def _shown_fields(value: Any, show: tuple[str, ...] | None) -> str:
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    names = show if show is not None else tuple(value)
    return "\n".join(f"{name}: {_plain(value[name])}" for name in names if name in value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
