"""Arms: what is compared. Each answers the same documents, once greedily and some of them several times.

A document is known by its rollouts' group, so files that were made apart can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.rollouts import read_rollouts

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """A model, or a file of completions, under the name that the report gives it."""

    name: str
    greedy: tuple[Rollout, ...]
    """One answer to each document."""
    sampled: tuple[tuple[Rollout, ...], ...] = ()
    """Several answers to some of the documents, drawn independently."""


def spread(rows: Sequence[T], count: int) -> list[T]:
    """Takes `count` rows spread evenly over a list: the same ones in every run."""
    count = min(count, len(rows))
    return [rows[at * len(rows) // count] for at in range(count)]


def shared_documents(arms: Sequence[Arm]) -> list[str]:
    """Gives the documents that all arms answered, in the first arm's order. Raises `DataError` where there is none."""
    if not arms:
        raise DataError("there is no arm to evaluate; name one with --arm NAME=FILE")
    answered = [{rollout.group for rollout in arm.greedy} for arm in arms]
    shared = set.intersection(*answered)
    if not shared:
        names = ", ".join(arm.name for arm in arms)
        raise DataError(f"the arms {names} have no prompt in common; compare answers to the same prompts")
    return [document for document in dict.fromkeys(r.group for r in arms[0].greedy) if document in shared]


def read_arm(name: str, path: Path) -> Arm:
    """Reads an arm from a file of rollouts.

    The first answer to a prompt is its greedy one; where a prompt has several, all of them are its samples.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"arm '{name}': a name is up to 40 letters, digits, '.', '_' and '-'")
    groups: dict[str, list[Rollout]] = {}
    for rollout in read_rollouts(path):
        groups.setdefault(rollout.group, []).append(rollout)
    if not groups:
        raise DataError(f"{path}: it holds no rollouts")
    return Arm(
        name=name,
        greedy=tuple(answers[0] for answers in groups.values()),
        sampled=tuple(tuple(answers) for answers in groups.values() if len(answers) > 1),
    )
