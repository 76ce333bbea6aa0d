"""The bounds that a criterion is graded by: dikast's own, or those of a file; the certificate holds them.

    levels = read_levels(Path("levels.yaml"))      # what the file does not name stays as it is
    looser_than_ours(levels)                       # what it lets through that dikast would not

They stand in no reward file: what is asked does not depend on them, and a reward must not say by itself when it may train.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dikast.errors import UsageError
from dikast.spec.reading import read_struct

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Green(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a criterion must reach to count in full."""

    rate: Share = 0.90
    """Of TPR and of TNR."""
    rate_low: Share = 0.80
    """Of their lower bounds."""
    flips: Share = 0.05
    """Share of answers that change when the same is asked again or otherwise, at the most."""
    kappa: Share = 0.60
    share_of_human_kappa: Share = 0.90
    """Of the annotators' own kappa, where that is less than `kappa` asks for."""
    position: Share = 0.90
    """Of a preference judge: share of the pairs with the same winner in both orders."""


class Amber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a criterion must reach to count by the lower bound of its J."""

    j: Share = 0.60
    j_low: Positive = 0.40
    """Of J's lower bound; under it the criterion is off whatever else it reaches."""
    precision: Share = 0.85
    """Share of the credit given that is deserved."""


class Red(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What turns a criterion off whatever else it reaches."""

    false_credit: Share = 0.20
    """Share of what deserves no credit and gets it: more than this is too much."""
    flips: Share = 0.15


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them. The 90/90 of green is common practice, the rest is judgement."""

    least_per_class: Annotated[int, msgspec.Meta(ge=2)] = 30
    """Labelled yes and labelled no, each, under which nothing is said."""
    green: Green = Green()
    amber: Amber = Amber()
    red: Red = Red()
    weight: Positive = 0.5
    """Share of the judge's weight that criteria must carry which count, or the judge as a whole is not good enough."""


_AT_MOST = frozenset({"green.flips", "red.false_credit", "red.flips"})
"""Bounds that are looser where they are higher."""


def read_levels(path: Path) -> Levels:
    """Reads a file of levels. Raises `ConfigError` with its place where it does not fit."""
    return read_struct(path, Levels)


def read_base_rates(given: Iterable[str], criteria: Collection[str]) -> dict[str, float]:
    """Reads shares of yes, `0.3` for all criteria or `criterion=0.3` for one, which goes before it."""
    rates: dict[str, float] = {}
    own: dict[str, float] = {}
    for text in given:
        name, equals, share = text.rpartition("=")
        if equals and name not in criteria:
            raise UsageError(
                f"--base-rate {text}: '{name}' is no criterion of the reward; its criteria are {', '.join(criteria)}"
            )
        named = [name] if equals else criteria
        (own if equals else rates).update(dict.fromkeys(named, _share(text, share)))
    return rates | own


def _share(text: str, share: str) -> float:
    try:
        rate = float(share)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise UsageError(f"--base-rate {text}: must be a share above 0 and below 1, as in 0.3 or criterion=0.3")
    return rate


def changed(levels: Levels) -> list[str]:
    """Says which bounds are not dikast's own, and what those are."""
    return [f"{name} {given:g} in place of {ours:g}" for name, given, ours in _different(levels)]


def looser_than_ours(levels: Levels) -> list[str]:
    """Of these, the ones that let through what dikast would not."""
    return [
        f"{name} {given:g} in place of {ours:g}"
        for name, given, ours in _different(levels)
        if (given > ours) == (name in _AT_MOST)
    ]


def _different(levels: Levels) -> Iterator[tuple[str, float, float]]:
    ours = dict(_flat(Levels()))
    return ((name, value, ours[name]) for name, value in _flat(levels) if value != ours[name])


def _flat(levels: Levels) -> Iterator[tuple[str, float]]:
    held: dict[str, Any] = msgspec.to_builtins(levels)
    for name, value in held.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", bound) for inner, bound in value.items())  # pyright: ignore[reportUnknownVariableType]
        else:
            yield name, value
