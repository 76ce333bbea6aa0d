"""Scores a file of any length in the order of its lines, with what is under way in memory and no more.

    scan = scan_rollouts(path, require=engine.require)
    async for scores in scored_file(engine, scan, journal):
        ...

The groups of a file whose rollouts do not stand together are gathered in the journal first, and the scores
put back into the order of the lines there. What was spilled is removed when the file is done, and a run
that was killed begins its file anew: the judge's answers are in the journal, so nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import TypeVar

import msgspec

from dikast.journal import PAGE, Journal
from dikast.records import Rollout, Score
from dikast.reward.engine import Engine
from dikast.rollouts import Scan, rollouts_in
from dikast.spill import spilling

T = TypeVar("T")

AHEAD = 4
"""Groups' rollouts in memory, at the most, as a multiple of the requests that the judge takes at once."""
LEAST_AHEAD = 64

_decode_score = msgspec.json.Decoder(Score).decode
_encode = msgspec.json.Encoder().encode


async def scored_file(
    engine: Engine, scan: Scan, journal: Journal, *, deadline: float | None = None
) -> AsyncIterator[Sequence[Score]]:
    """Gives the scores of a scanned file in the order of its lines, some at a time.

    After `deadline` seconds what is still open is missing as `expired`.
    """
    until = None if deadline is None else asyncio.get_running_loop().time() + deadline
    if scan.together:
        async for scores in scored_groups(engine, _groups(rollouts_in(scan)), until):
            yield scores
        return
    with spilling(journal) as spilled:
        for some in _in_batches(enumerate(rollouts_in(scan))):
            spilled.keep_rollouts(
                [(position, rollout.group, pickle.dumps(msgspec.structs.asdict(rollout))) for position, rollout in some]
            )
        places: deque[int] = deque()
        async for scores in scored_groups(engine, _groups(_noted(spilled.rollouts(), places)), until):
            for score in scores:
                spilled.keep_score(places.popleft(), _encode(score))
        for some in _in_batches(map(_decode_score, spilled.scores())):
            yield some


def _noted(rows: Iterator[tuple[int, bytes]], places: deque[int]) -> Iterator[Rollout]:
    """Gives the rollouts and notes their places in the file: scores come in the same order.

    They are pickled by this process into a table that only it sees: half a surrogate, an infinite number or a date of
    Parquet would not come back from JSON.
    """
    for place, raw in rows:
        places.append(place)
        yield Rollout(**pickle.loads(raw))


async def scored_groups(
    engine: Engine, groups: Iterator[list[Rollout]], until: float | None
) -> AsyncIterator[list[Score]]:
    """Gives the scores of groups in their order; groups are read as there is room for them.

    `until` is in seconds of the event loop's clock.
    """
    if engine.concurrency == 1:
        for group in groups:
            yield await engine.score_group(group, until=until)
        return
    window: deque[asyncio.Task[list[Score]]] = deque()
    ahead = 0
    try:
        for group in groups:
            window.append(asyncio.create_task(engine.score_group(group, until=until)))
            ahead += len(group)
            while ahead > max(LEAST_AHEAD, AHEAD * engine.concurrency):
                scores = await window.popleft()
                ahead -= len(scores)
                yield scores
        while window:
            yield await window.popleft()
    finally:
        for task in window:
            task.cancel()
        await asyncio.gather(*window, return_exceptions=True)


def _groups(rollouts: Iterator[Rollout]) -> Iterator[list[Rollout]]:
    for _, group in groupby(rollouts, key=attrgetter("group")):
        yield list(group)


def _in_batches(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, PAGE)):
        yield batch
