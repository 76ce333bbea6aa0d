"""What all drivers do: take the folder, print findings, and work out what a group is worth without its missing rollouts."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout


def drive(findings: Callable[[Recorded], Iterable[Finding]]) -> None:
    """Runs a driver's one function over the folder that the command names, with the reward at an address if it names one."""
    # Trainers print as they please, some by handles that they took when they were imported: what is for us goes out alone.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    recorded = Recorded(folder=Path(sys.argv[1]), served=sys.argv[2] if len(sys.argv) > 2 else None)
    for finding in findings(recorded):
        out.write(msgspec.json.encode(finding).decode() + "\n")
    out.close()


def groups_of(rollouts: Iterable[Rollout]) -> dict[str, list[Rollout]]:
    """The rollouts of each prompt, in order."""
    groups: defaultdict[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        groups[rollout.group].append(rollout)
    return dict(groups)


def siblings_of(rollouts: Iterable[Rollout]) -> int:
    """How many rollouts each prompt has."""
    [size] = {len(group) for group in groups_of(rollouts).values()}
    return size


def alone(
    rollouts: Iterable[Rollout],
    rewards: Mapping[str, float | None],
    advantages: Callable[[Sequence[float]], Sequence[float]],
) -> dict[str, float]:
    """A trainer's advantages for the valid rollouts of each group, where it never saw the others."""
    found: dict[str, float] = {}
    for group in groups_of(rollouts).values():
        valid = {one.id: reward for one in group if (reward := rewards[one.id]) is not None}
        found.update(zip(valid, advantages(list(valid.values())), strict=True))
    return found
