"""A candidate field by field, as people are shown it: what the judge sees of it first, and then what else there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from dikast.judges.render import plain
from dikast.reward.binding import Bound


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a candidate; without a name it is the whole text."""

    name: str
    text: str
    judged: bool
    """Whether the judge sees it."""


def fields_of(bound: Bound, item: int | None) -> Iterator[Field]:
    """Gives the fields of one item, or of the whole completion where item is None."""
    value = bound.parsed if item is None else (bound.items or ())[item]
    by_field = isinstance(value, Mapping) and (item is not None or bound.show is not None)
    if not by_field:
        yield Field(name="", text=plain(value) if item is not None else bound.rollout.completion, judged=True)
        return
    fields = cast("Mapping[str, Any]", value)
    shown = [name for name in (fields if bound.show is None else bound.show) if name in fields]
    for name in (*shown, *(name for name in fields if name not in shown)):
        yield Field(name=name, text=plain(fields[name]), judged=name in shown)
