"""Who is who among the raters: people, judges, and the one whose labels are taken for the truth."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from dikast.errors import UsageError

MAJORITY = "majority"
"""As gold: what most of the people said, where no rater has this name."""


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """The names that a user gave; who is not named is found by `resolve`."""

    gold: str | None = None
    humans: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Positions among a criterion's raters."""

    gold: int | None
    by_majority: bool
    humans: tuple[int, ...]
    judges: tuple[int, ...]


def check_names(roles: Roles, raters: Collection[str]) -> None:
    """Raises `UsageError` for a name that no rater has, or that has two roles."""
    shown = ", ".join(sorted(raters)[:10]) + (f" and {len(raters) - 10} more" if len(raters) > 10 else "")
    gold = () if roles.gold in (None, MAJORITY) else (roles.gold,)
    for option, names in (("--gold", gold), ("--humans", roles.humans), ("--judges", roles.judges)):
        for name in names:
            if name not in raters:
                raise UsageError(f"{option}: no rater is named '{name}'; the file has {shown}")
    if twice := set(roles.humans) & set(roles.judges):
        raise UsageError(f"'{min(twice)}' is in --humans and in --judges; leave it in one")
    if roles.gold in roles.judges:
        raise UsageError(f"'{roles.gold}' is the gold and a judge; leave out one of the two")
    if roles.gold == MAJORITY and MAJORITY not in raters and not (roles.humans or roles.judges):
        raise UsageError(
            "--gold majority needs to know whose majority; name the people with --humans or the rest with --judges"
        )


def resolve(roles: Roles, raters: tuple[str, ...]) -> Resolved:
    """Finds the roles of a criterion's raters.

    People are those named, or else all but the gold and the judges. Judges are those named, or else, where people are
    named, all others but the gold.
    """
    at = {name: code for code, name in enumerate(raters)}
    gold = None if roles.gold is None else at.get(roles.gold)
    judges = [name for name in raters if name in roles.judges]
    if roles.humans and not roles.judges:
        judges = [name for name in raters if name not in roles.humans and name != roles.gold]
    humans = [name for name in raters if name in roles.humans]
    if not roles.humans:
        humans = [name for name in raters if name not in judges and name != roles.gold]
    return Resolved(
        gold=gold,
        by_majority=roles.gold == MAJORITY and gold is None,
        humans=tuple(at[name] for name in humans),
        judges=tuple(at[name] for name in judges),
    )
