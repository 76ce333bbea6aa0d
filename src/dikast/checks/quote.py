"""Checks that a field holds a verbatim quote from one of the reward's inputs."""

from __future__ import annotations

from functools import lru_cache

from dikast.checks.base import NOT_JSON, PASSED, Checked, CheckFunction, Json, Outcome, short
from dikast.checks.words import count_words
from dikast.quoting import fold
from dikast.spec.checks import QuoteCheck

# All rollouts of a group quote from the same document, which may be long.
_folded_source = lru_cache(maxsize=16)(fold)


def quote_check(check: QuoteCheck, *, items: str | None) -> CheckFunction:
    """The value is the share of items whose field is a quote; `items` is the key of the set, where there is one.

    Without a set, the completion's object is the only item. An empty set misquotes nothing: 1. What is no
    JSON, or holds no set where there should be one, quotes nothing: 0.
    """

    def run(checked: Checked) -> Outcome:
        if checked.parsed is NOT_JSON:
            return Outcome(value=0.0, reason="not JSON, so there is no field to quote in")
        if items is not None and checked.items is None:
            return Outcome(value=0.0, reason=f"there is no list under '{items}'")
        holders = (checked.parsed,) if checked.items is None else checked.items
        source = _folded_source(checked.inputs[check.source])
        faults = [_fault(holder, check, source) for holder in holders]
        at_fault = [at for at, fault in enumerate(faults) if fault is not None]
        if not at_fault:
            return PASSED
        return Outcome(
            value=1 - len(at_fault) / len(faults),
            reason=faults[at_fault[0]],
            item=None if checked.items is None else at_fault[0],
        )

    return run


def _fault(holder: Json, check: QuoteCheck, source: str) -> str | None:
    """Says why a field is no quote; None where it is one."""
    quote = holder.get(check.field) if isinstance(holder, dict) else None
    if not isinstance(quote, str):
        return f"'{check.field}' is no text"
    folded = fold(quote)
    if not folded or count_words(folded) < check.min_words:
        return f"'{check.field}' has fewer than {check.min_words} words"
    if folded not in source:
        return short(f"'{check.field}' is not in {check.source}: {quote}")
    return None
