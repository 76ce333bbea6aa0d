"""Room for a file of rollouts whose groups stand apart, in temporary tables beside a journal.

with spilling(journal) as spill:
spill.keep_rollouts(rows)
for position, rollout in spill.rollouts(): ...
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from dikast.journal import PAGE, Journal

# What is dropped needs no overwriting: the file behind temporary tables has no name, and goes with the process.
_TABLES = """
PRAGMA temp.secure_delete = OFF;
CREATE TEMP TABLE spilled_rollouts (position INTEGER PRIMARY KEY, band TEXT NOT NULL, rollout BLOB NOT NULL);
CREATE TEMP TABLE spilled_scores (position INTEGER NOT NULL, score BLOB NOT NULL);
"""


class Spill:
    """Rollouts of a file whose groups stand apart: in by their place in the file, out group by group; scores the other way.

    Both are appended, and indexed when all are there: a fraction of the time that a place among the others takes for each.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._scores: list[tuple[int, bytes]] = []

    def keep_rollouts(self, rows: list[tuple[int, str, bytes]]) -> None:
        """Takes (place in the file, group, rollout)."""
        self._journal.write("INSERT INTO spilled_rollouts VALUES (?, ?, ?)", rows)

    def rollouts(self) -> Iterator[tuple[int, bytes]]:
        """Gives (place in the file, rollout): groups in the order of their first, the rollouts of each in theirs."""
        self._journal.write("CREATE INDEX spilled_bands ON spilled_rollouts (band)", [()])
        bands = self._journal.pages(
            "SELECT band, MIN(position) AS first FROM spilled_rollouts GROUP BY band ORDER BY first"
        )
        for band, _ in bands:
            yield from self._journal.pages(
                "SELECT position, rollout FROM spilled_rollouts WHERE band = ? ORDER BY position", band
            )

    def keep_score(self, position: int, score: bytes) -> None:
        """Takes the score of a place in the file."""
        self._scores.append((position, score))
        if len(self._scores) >= PAGE:
            self._flush()

    def scores(self) -> Iterator[bytes]:
        """Gives the scores in the order of the file."""
        self._index_scores()
        for (score,) in self._journal.pages("SELECT score FROM spilled_scores ORDER BY position"):
            yield score

    def score(self, position: int) -> bytes:
        """Gives the score of one place, when all are there."""
        self._index_scores()
        [(score,)] = self._journal.pages("SELECT score FROM spilled_scores WHERE position = ?", position)
        return score

    def _index_scores(self) -> None:
        self._flush()
        self._journal.write("CREATE INDEX IF NOT EXISTS spilled_places ON spilled_scores (position)", [()])

    def _flush(self) -> None:
        self._journal.write("INSERT INTO spilled_scores VALUES (?, ?)", self._scores)
        self._scores = []


@contextmanager
def spilling(journal: Journal) -> Generator[Spill]:
    """Gives room for a file's rollouts and scores, in temporary tables that vanish with this block or the process."""
    journal.script(_TABLES)
    try:
        yield Spill(journal)
    finally:
        journal.script("DROP TABLE spilled_rollouts; DROP TABLE spilled_scores;")
