"""Puts a changed text into a rollout, where its judge reads it and its gates let it through.

    for rollout in placed(spec, rollout, item, str.upper, everywhere=False): ...

A completion that is text is changed as it stands. Of JSON the longest text is that the judge is shown, and the rest
stays, as a policy would have it that wants to pass the gates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import msgspec

from dikast.records import Rollout
from dikast.reward.binding import bind
from dikast.spec.reward import RewardSpec


def placed(
    spec: RewardSpec, rollout: Rollout, item: int | None, change: Callable[[str], str], *, everywhere: bool
) -> Iterator[Rollout]:
    """Gives the rollout with the change made to one item, or to the completion as a whole where item is None.

    The most that can be changed comes first, then what else a gate may let through; `everywhere` changes all texts that
    the judge is shown before it changes the longest alone. Nothing where there is no text, or the change leaves it as it was.
    """
    bound = bind(spec, rollout)
    held: Any = bound.parsed if item is None else (bound.items or ())[item]
    if item is None and (bound.show is None or not isinstance(held, Mapping)):
        yield from _changed(rollout, rollout.completion, change(rollout.completion))
    elif isinstance(held, str):
        yield from _rewritten(rollout, bound.parsed, spec.file.items, item, change(held))
    if not isinstance(held, Mapping):
        return
    fields = cast("Mapping[str, Any]", held)
    names = [name for name in bound.show or fields if _is_text(fields.get(name))]
    choices = [names] if everywhere and len(names) > 1 else []
    choices += [[max(names, key=lambda name: len(fields[name]))]] if names else []
    for choice in choices:
        value = {**fields, **{name: change(fields[name]) for name in choice}}
        if value != fields:
            yield from _rewritten(rollout, bound.parsed, spec.file.items, item, value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _rewritten(rollout: Rollout, parsed: Any, items: str | None, item: int | None, value: Any) -> Iterator[Rollout]:
    """The rollout with that in the item's place, its JSON spaced as before."""
    whole = value
    if item is not None and items is not None:
        whole = {**parsed, items: [value if at == item else one for at, one in enumerate(parsed[items])]}
    separators = (", ", ": ") if json.dumps(parsed, ensure_ascii=False) == rollout.completion else (",", ":")
    yield from _changed(rollout, rollout.completion, json.dumps(whole, ensure_ascii=False, separators=separators))


def _changed(rollout: Rollout, before: str, after: str) -> Iterator[Rollout]:
    if after != before:
        yield msgspec.structs.replace(rollout, completion=after)
