"""Checks how many words a completion has, or one field of it, summed over the items.

The value is 1 inside the bounds. Above `max_words` it falls in a straight line to 0 at twice as many,
below `min_words` to 0 at none.
"""

from __future__ import annotations

import math

from dikast.checks.base import NOT_JSON, PASSED, Checked, CheckFunction, Json, Outcome
from dikast.checks.words import count_words
from dikast.errors import ConfigError
from dikast.spec.checks import LengthCheck


def length_check(check: LengthCheck, *, items: str | None, where: str) -> CheckFunction:
    """Counts words; `items` is the key of the set. Raises `ConfigError` where the bounds leave no length to have."""
    low, high = check.min_words or 0, check.max_words
    if low < 0 or (high is not None and high < max(low, 1)):
        raise ConfigError(
            f"{where}: min_words {low} and max_words {high} leave no length; write 0 <= min <= max, max > 0"
        )

    most = math.inf if high is None else high
    field = check.field

    def run(checked: Checked) -> Outcome:
        if field is None:
            words = count_words(checked.rollout.completion)
        elif checked.parsed is NOT_JSON:
            return Outcome(value=0.0, reason=f"not JSON, so there is no '{field}' to count")
        elif items is not None and checked.items is None:
            return Outcome(value=0.0, reason=f"there is no list under '{items}'")
        else:
            holders = (checked.parsed,) if checked.items is None else checked.items
            words = sum(_words_in(holder, field) for holder in holders)
        return PASSED if low <= words <= most else _outside(words, low, most)

    return run


def _words_in(holder: Json, field: str) -> int:
    text = holder.get(field) if isinstance(holder, dict) else None
    return count_words(text) if isinstance(text, str) else 0


def _outside(words: int, low: int, high: float) -> Outcome:
    if words < low:
        return Outcome(value=words / low, reason=f"{words} words, fewer than {low}")
    return Outcome(value=max(0.0, 2 - words / high), reason=f"{words} words, more than {high}")
