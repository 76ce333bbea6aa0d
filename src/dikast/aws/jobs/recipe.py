"""A recipe with the user's settings in it: each is known, of the right kind and within what is published, or told.

The vendor's tools drop a key that they do not know and go on with its default. Here it stops the command.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from dikast.aws.jobs.published import ABSENT, Between, OneOf, Setting, Target, settings_of
from dikast.errors import ConfigError

Recipe = dict[str, Any]


class Settled(NamedTuple):
    """A recipe's settings by whole path, and what a public recipe would refuse of them."""

    values: dict[str, Any]
    beyond: tuple[str, ...]

    def leaf(self, name: str, default: Any = None) -> Any:
        """Gives a setting by the end of its path."""
        return next((value for path, value in self.values.items() if path.rpartition(".")[2] == name), default)

    def nested(self) -> Recipe:
        """Gives the settings as a recipe nests them."""
        recipe: Recipe = {}
        for path, value in self.values.items():
            *folders, leaf = path.split(".")
            at = recipe
            for folder in folders:
                at = at.setdefault(folder, {})
            at[leaf] = value
        return recipe


def settled(target: Target, given: Mapping[str, Any], *, unpublished: Collection[str] = (), where: str) -> Settled:
    """Lays the user's settings over the published recipe. Raises `ConfigError` where one does not fit."""
    known = settings_of(target)
    values = {setting.path: setting.default for setting in known if setting.default is not ABSENT}
    beyond: list[str] = []
    _require_once(given, known, where)
    for name, value in given.items():
        setting = _named(name, known)
        allowed = name in unpublished
        if setting is None and not allowed:
            raise ConfigError(f"{where}.{name}: {_unknown(name, known, target)}")
        if setting is None and "." not in name:
            raise ConfigError(
                f"{where}.{name}: no published recipe has it, so nobody can say where it belongs; write its whole path, "
                f"for instance training_config.rollout.{name}"
            )
        if setting is None and (other := _in_the_way(name, values)):
            raise ConfigError(f"{where}.{name}: cannot stand beside {other}; write the whole path of one setting")
        if setting is not None and (problem := _misfit(setting, value)):
            if not allowed or not isinstance(value, int | float | str | None) or _is_endless(value):
                raise ConfigError(f"{where}.{name}: {problem}{'' if _is_endless(value) else _way_out(name, target)}")
            beyond.append(f"{name}: {problem}")
        elif setting is None:
            beyond.append(f"{name}: no published recipe has it")
        values[setting.path if setting else name] = value
    if unused := [name for name in unpublished if name not in given]:
        section = where.rpartition(".")[0]
        raise ConfigError(f"{section}.unpublished: '{unused[0]}' is not set under recipe; remove it, or set it there")
    found = Settled(values=values, beyond=tuple(beyond))
    for problem in _together(found):
        raise ConfigError(f"{where}: {problem}")
    return found


def _require_once(given: Collection[str], known: Collection[Setting], where: str) -> None:
    paths: set[str] = set()
    for name in given:
        setting = _named(name, known)
        path = setting.path if setting else name
        if path in paths:
            raise ConfigError(f"{where}.{name}: is given twice, as leaf and as path; remove one of them")
        paths.add(path)


def _named(name: str, known: Collection[Setting]) -> Setting | None:
    return next((setting for setting in known if name in (setting.path, setting.leaf)), None)


def _in_the_way(name: str, values: Mapping[str, Any]) -> str | None:
    """A setting that stands below this name, or above it: one of the two would be lost."""
    return next(
        (path for path in values if f"{path}.".startswith(f"{name}.") or f"{name}.".startswith(f"{path}.")), None
    )


def _is_endless(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _unknown(name: str, known: Collection[Setting], target: Target) -> str:
    leaf = name.rpartition(".")[2]
    close = difflib.get_close_matches(leaf, sorted(setting.leaf for setting in known), n=1)
    mend = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(sorted(s.leaf for s in known))}"
    return f"the published recipe of {target} has no such setting; {mend}{_way_out(name, target)}"


def _way_out(name: str, target: Target) -> str:
    """A recipe that is not public may take more, but for Bedrock's API, whose bounds are the service's own."""
    if target == "bedrock":
        return ""
    return f" (a recipe that is not public may take it: name '{name}' under aws.unpublished)"


def _misfit(setting: Setting, value: Any) -> str | None:
    """What is wrong with a value, or None."""
    match setting.takes:
        case OneOf(values=values):
            if any(value is one or (value == one and type(value) is type(one)) for one in values):
                return None
            return f"{_said(value)} is none of those published: {', '.join(map(_said, values))}"
        case Between(low=low, high=high, whole=whole):
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or _is_endless(value):
                return f"must be a {'whole ' if whole else ''}number, not {_said(value)}"
            if (low is not None and value < low) or (high is not None and value > high):
                return f"{_said(value)} is outside the published {_range(low, high)}"
            return None
        case kind:
            return None if isinstance(value, kind) else f"must be a text, not {_said(value)}"


def _said(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"least, {low:g}"
    return f"most, {high:g}" if low is None else f"range {low:g} to {high:g}"


def _together(found: Settled) -> Iterator[str]:
    """What does not fit together."""
    steps, save = found.leaf("max_steps"), found.leaf("save_steps")
    if isinstance(save, int) and isinstance(steps, int) and save > steps:
        yield f"save_steps {save} is more than max_steps {steps}: nothing would be saved on the way"
    longest, new = found.leaf("max_length"), found.leaf("max_new_tokens")
    if isinstance(longest, int) and isinstance(new, int) and new >= longest:
        yield f"max_new_tokens {new} leaves no room for a prompt in max_length {longest}"
    batch, generations = found.leaf("global_batch_size"), found.leaf("number_generation")
    if isinstance(batch, int) and isinstance(generations, int) and batch % generations:
        yield f"global_batch_size {batch} counts generations, so it must be a multiple of number_generation {generations}"
