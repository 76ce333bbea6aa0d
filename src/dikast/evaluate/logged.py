"""The rollouts that a run logged with their scores: which phases there are, and their groups one after another.

    phase = chosen_phase(journal, None)
    for group in logged_groups(journal, phase.name):
        rows = rows_of(journal, phase.name, group)

Siblings are the rollouts of one step and group: a prompt that comes back in a later step was scored with others then.
What is held of a run is where its rollouts stand; they themselves are read group by group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from dikast.errors import DataError
from dikast.journal import Journal
from dikast.records import Rollout, Score

AT_ONCE = 500
"""Rows that are asked for in one query, far below the variables that SQLite takes."""

_decode_rollout = msgspec.json.Decoder(Rollout).decode
_decode_score = msgspec.json.Decoder(Score).decode


class ScoredBy(msgspec.Struct, frozen=True, kw_only=True):
    """A reward and certificate under which rollouts were logged."""

    reward_hash: str
    certificate_hash: str | None
    rollouts: int


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds under one name: `rl` of a training here, `aws` of a job that was read back."""

    name: str
    rollouts: int
    scored_by: tuple[ScoredBy, ...]


class Place(NamedTuple):
    """Where a logged rollout stands."""

    number: int
    """Among all of its phase, in the order of the run."""
    position: int
    """Within its step, as the journal has it."""


class LoggedGroup(NamedTuple):
    """Siblings: the rollouts of one step and group."""

    step: int
    group: str
    places: list[Place]


class LoggedRollout(NamedTuple):
    """A rollout with the score that it had then."""

    place: Place
    rollout: Rollout
    score: Score


def phases_of(journal: Journal) -> list[Phase]:
    """Says what rollouts a journal holds."""
    found: dict[str, list[ScoredBy]] = {}
    for phase, reward, certificate, count in journal.pages(
        "SELECT phase, reward, certificate, COUNT(*) FROM scores GROUP BY phase, reward, certificate ORDER BY 1, 2, 3"
    ):
        scored = ScoredBy(reward_hash=reward, certificate_hash=certificate or None, rollouts=count)
        found.setdefault(phase, []).append(scored)
    return [
        Phase(name=name, rollouts=sum(one.rollouts for one in by), scored_by=tuple(by)) for name, by in found.items()
    ]


def chosen_phase(journal: Journal, named: str | None) -> Phase:
    """Gives the phase of that name, or the only one. Raises `DataError` where that cannot be told."""
    there = phases_of(journal)
    names = ", ".join(f"{phase.name} ({phase.rollouts} rollouts)" for phase in there)
    if not there:
        raise DataError(
            f"{journal.path}: no rollouts are logged in it; 'dikast train' logs those of its training, "
            "'dikast aws eval DIR --read FILE' those of a finished job"
        )
    if named is None:
        if len(there) > 1:
            raise DataError(f"{journal.path}: rollouts of several phases are logged; choose with --phase: {names}")
        return there[0]
    for phase in there:
        if phase.name == named:
            return phase
    raise DataError(f"{journal.path}: no phase '{named}' is logged; there is {names}")


def logged_groups(journal: Journal, phase: str) -> list[LoggedGroup]:
    """Gives where the rollouts of a phase stand: groups in the order of their first, step by step."""
    groups: dict[tuple[int, str], LoggedGroup] = {}
    # The text is taken apart where it lies: of a rollout nothing but its group comes into memory.
    rows = journal.pages(
        "SELECT step, position, json_extract(CAST(rollout AS TEXT), '$.group') FROM scores "
        "WHERE phase = ? ORDER BY step, position",
        phase,
    )
    for number, (step, position, group) in enumerate(rows):
        held = groups.setdefault((step, group), LoggedGroup(step, group, []))
        held.places.append(Place(number, position))
    return list(groups.values())


def rows_of(journal: Journal, phase: str, group: LoggedGroup) -> list[LoggedRollout]:
    """Reads the rollouts of a group with their scores. Raises `DataError` where they are not there any more."""
    found = {
        position: (rollout, score)
        for position, rollout, score in _raw(journal, phase, group.step, [place.position for place in group.places])
    }
    try:
        return [_read(journal, group.step, place, *found[place.position]) for place in group.places]
    except KeyError:
        raise DataError(
            f"{journal.path}: step {group.step} was logged anew while it was read; run the same command again"
        ) from None


def _raw(journal: Journal, phase: str, step: int, positions: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
    for first in range(0, len(positions), AT_ONCE):
        some = positions[first : first + AT_ONCE]
        marks = ", ".join("?" * len(some))
        yield from journal.pages(
            f"SELECT position, rollout, score FROM scores WHERE phase = ? AND step = ? AND position IN ({marks})",
            phase,
            step,
            *some,
        )


def _read(journal: Journal, step: int, place: Place, rollout: bytes, score: bytes) -> LoggedRollout:
    try:
        return LoggedRollout(place, _decode_rollout(rollout), _decode_score(score))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"{journal.path}: step {step}, position {place.position}: no rollout with its score ({error}); "
            "log the run anew"
        ) from error
