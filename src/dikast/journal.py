"""Keeps what was asked and answered, on disk, so that no question is paid for twice.

    journal = Journal.open(Path(".dikast/journal.db"))
    key = question_key(request_bytes, model="local:q", fingerprint="…")
    journal.answer(key)                      # bytes of the reply, or None
    journal.keep(key, reply_bytes, …)

The raw reply is kept, not the verdict read from it: reading improves over time, replies cost money.
A failure is never kept as an answer, so a later run asks again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from dikast.errors import UnavailableError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scores (
    reward TEXT NOT NULL, certificate TEXT NOT NULL, phase TEXT NOT NULL, step INTEGER NOT NULL,
    position INTEGER NOT NULL, rollout BLOB NOT NULL, score BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (phase, step, position)
) WITHOUT ROWID;
"""


class LoggedScore(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout that was scored during a run, as raw JSON, in the order of the run."""

    step: int
    position: int
    rollout: bytes
    score: bytes


def question_key(request: bytes, *, model: str, fingerprint: str, repeat: int = 0, epoch: int = 0) -> bytes:
    """Gives a question's key: SHA-256 over request, model, fingerprint, repeat and epoch, each length-prefixed."""
    digest = hashlib.sha256()
    for field in (request, model.encode(), fingerprint.encode(), str(repeat).encode(), str(epoch).encode()):
        digest.update(len(field).to_bytes(8, "big") + field)
    return digest.digest()


class Journal:
    """One SQLite file in WAL mode. Every write is durable when the call returns; threads may share it."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.path = path

    @classmethod
    def open(cls, path: Path | None) -> Journal:
        """Opens or makes the journal; None keeps it in memory. Raises `UnavailableError` when the disk refuses."""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=30)
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise UnavailableError(
                f"{path}: the journal cannot be opened ({error}); name another with --journal"
            ) from error
        return cls(connection, path)

    def answer(self, key: bytes) -> bytes | None:
        """Gives the kept reply to a question, or None."""
        rows = self._read("SELECT reply FROM answers WHERE key = ?", key)
        return rows[0][0] if rows else None

    def keep(self, key: bytes, *, model: str, request: bytes, reply: bytes) -> None:
        """Keeps a reply. The first one stands: a question has one answer."""
        self._write("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)", [(key, model, request, reply, time.time())])

    def log_scores(self, entries: list[LoggedScore], *, reward: str, certificate: str, phase: str) -> None:
        """Logs a batch of scored rollouts; a step that is done again after a resume replaces the old one."""
        now = time.time()
        self._write(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(reward, certificate, phase, e.step, e.position, e.rollout, e.score, now) for e in entries],
        )

    def scores(self, phase: str) -> list[LoggedScore]:
        """Gives the scored rollouts of a phase in their order."""
        rows = self._read(
            "SELECT step, position, rollout, score FROM scores WHERE phase = ? ORDER BY step, position", phase
        )
        return [LoggedScore(step=r[0], position=r[1], rollout=r[2], score=r[3]) for r in rows]

    def count(self) -> int:
        """Counts the answers kept."""
        return self._read("SELECT COUNT(*) FROM answers")[0][0]

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _read(self, query: str, *parameters: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"{self.path}: the journal cannot be read ({error}); move it away to begin a new one"
            ) from error

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        try:
            with self._lock, self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"{self.path}: the journal cannot be written ({error}); free disk space and run the same command again"
            ) from error
