"""What stands behind the question mark of an address: the one thing that a trainer lets its user set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import cast

from dikast.adapters.siblings import ENOUGH_SIBLINGS, MOST_SIBLINGS
from dikast.errors import UsageError
from dikast.remote.terms import MOST_SECONDS
from dikast.serve.standing_in import StandIn
from dikast.spec.run import Constant, OnMissing

ALWAYS = frozenset({"deadline"})
MISSING = frozenset({"on_missing", "siblings"})
_CHOICES: tuple[OnMissing, ...] = ("native", "group_mean", "drop", "raise")

Options = Mapping[str, str]


def require_known(options: Options, known: Iterable[str]) -> None:
    """Raises `UsageError` for an option that means nothing: a mistyped one must not pass in silence."""
    names = ALWAYS | frozenset(known)
    for name in options:
        if name not in names:
            raise UsageError(f"no option '{name}' here; known are {', '.join(sorted(names))}")


def deadline_of(given: str | None, otherwise: float) -> float:
    """Gives the seconds that a request may take. Raises `UsageError` where they are none."""
    if given is None:
        return otherwise
    seconds = _number(given)
    if not 0 < seconds <= MOST_SECONDS:
        raise UsageError("deadline: must be seconds, more than 0 and at most a day")
    return seconds


def on_missing_of(text: str) -> OnMissing | Constant:
    """Reads a choice as options write it: a word, or a number. Raises `UsageError`."""
    if text in _CHOICES:
        return cast("OnMissing", text)
    constant = _number(text)
    if math.isfinite(constant):
        return Constant(constant=constant)
    raise UsageError(f"on_missing: '{text}' is none of {', '.join(_CHOICES)}, and no number")


def stand_in_of(options: Options, otherwise: OnMissing | Constant, *, drops_nan: bool) -> StandIn:
    """Reads what a missing score becomes. Raises `UsageError`."""
    enough = options.get("siblings", str(ENOUGH_SIBLINGS))
    if not (enough.isascii() and enough.isdecimal() and 1 <= int(enough[:9]) <= MOST_SIBLINGS):
        raise UsageError(f"siblings: must be a number from 1 to {MOST_SIBLINGS}; all rollouts of a prompt but one")
    given = options.get("on_missing")
    return StandIn(
        on_missing=otherwise if given is None else on_missing_of(given), drops_nan=drops_nan, enough=int(enough)
    )


def truth_of(options: Options, name: str) -> bool:
    """Reads a yes or no. Raises `UsageError`."""
    given = options.get(name, "false")
    if given not in ("true", "false"):
        raise UsageError(f"{name}: must be true or false, not '{given}'")
    return given == "true"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
