"""Keeps what was asked and answered, on disk, so that no question is paid for twice.

    journal = Journal.open(Path(".dikast/journal.db"))
    key = question_key(request_bytes, model="local:q", fingerprint="…")
    journal.answer(key)                      # bytes of the reply, or None
    journal.keep_soon(Answered(key=key, …))  # with the others that arrive in this turn of the loop

The raw reply is kept, not the verdict read from it: reading improves over time, replies cost money.
A failure is never kept as an answer, so a later run asks again. A process that is killed loses only what
arrived in the same turn of its loop; several processes may share one journal.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import msgspec

from dikast.errors import UnavailableError, UsageError
from dikast.records import Value

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS scores (
    reward TEXT NOT NULL, certificate TEXT NOT NULL, phase TEXT NOT NULL, step INTEGER NOT NULL,
    position INTEGER NOT NULL, rollout BLOB NOT NULL, score BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (phase, step, position)
) WITHOUT ROWID;
"""
PAGE = 1000
"""Rows that are read or written at once."""


class LoggedScore(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout that was scored during a run, as raw JSON, in the order of the run."""

    step: int
    position: int
    rollout: bytes
    score: bytes


class Answered(Value, frozen=True):
    """A question with its reply, as it is kept."""

    key: bytes
    model: str
    request: bytes
    reply: bytes


class ModelAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds of one model."""

    model: str
    answers: int
    bytes: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    oldest: float
    """Seconds since 1970."""
    newest: float


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer of one model used until now."""

    answers: int
    share: float | None
    """Of the tokens that a request allowed: those that were written. None where no answer says how many."""
    seconds: float | None
    """Mean over the answers that took any time; None where none did."""


def size_on_disk(path: Path) -> int:
    """Bytes of a journal's file with the two that SQLite keeps beside it while it is in use."""
    files = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
    return sum(file.stat().st_size for file in files if file.is_file())


def question_key(request: bytes, *, model: str, fingerprint: str, repeat: int = 0, epoch: int = 0) -> bytes:
    """Gives a question's key: SHA-256 over request, model, fingerprint, repeat and epoch, each length-prefixed."""
    return hashlib.sha256(_measured(request) + _who(model, fingerprint, repeat, epoch)).digest()


@lru_cache(maxsize=1024)
def _who(model: str, fingerprint: str, repeat: int, epoch: int) -> bytes:
    """What a key holds besides the request: the same for thousands of them."""
    return b"".join(_measured(str(field).encode()) for field in (model, fingerprint, repeat, epoch))


def _measured(field: bytes) -> bytes:
    return len(field).to_bytes(8, "big") + field


class Journal:
    """One SQLite file in WAL mode, which threads and processes may share."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._waiting: dict[bytes, Answered] = {}
        self._failed: UnavailableError | None = None
        self._indexed = False
        self.path = path

    @classmethod
    def open(cls, path: Path | None) -> Self:
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

    @classmethod
    def look(cls, path: Path) -> Self:
        """Opens a journal that is there for reading; whoever writes into it is refused by SQLite.

        Raises `UsageError` where there is none, and leaves a file that is none as it is.
        """
        if not path.is_file():
            raise UsageError(f"{path}: there is no journal; name the file that --journal named, or a run's folder")
        try:
            # Not mode=ro: such a connection leaves its two side files behind when it is closed.
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False, timeout=30
            )
            connection.execute("PRAGMA query_only=ON")
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'answers'")
            found = known.fetchone()
        except sqlite3.OperationalError as error:
            raise UnavailableError(
                f"{path}: the journal cannot be opened ({error}); mend that and run again"
            ) from error
        except sqlite3.DatabaseError:
            connection, found = None, None
        if connection is None or found is None:
            if connection is not None:
                connection.close()
            raise UsageError(f"{path}: is no journal; name the file that --journal named, or a run's folder")
        return cls(connection, path)

    def answer(self, key: bytes) -> bytes | None:
        """Gives the kept reply to a question, or None."""
        if (waiting := self._waiting.get(key)) is not None:
            return waiting.reply
        try:
            with self._lock:
                row = self._connection.execute("SELECT reply FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error
        return row[0] if row else None

    def keep(self, answers: Iterable[Answered]) -> None:
        """Keeps replies, durably when it returns. The first one stands: a question has one answer."""
        now = time.time()
        self.write(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
            [(a.key, a.model, a.request, a.reply, now) for a in answers],
        )

    def keep_soon(self, answered: Answered) -> None:
        """Keeps a reply together with those that arrive in the same turn of the running loop: one commit for all.

        Raises `UnavailableError` when an earlier one could not be written.
        """
        if self._failed is not None:
            raise self._failed
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._keep_waiting)
        self._waiting[answered.key] = answered

    def _keep_waiting(self) -> None:
        waiting = self._waiting
        try:
            self.keep(waiting.values())
        except UnavailableError as error:
            # Nobody waits for this call: whoever comes next is told.
            self._failed = error
        self._waiting = {}

    def log_scores(
        self, entries: list[LoggedScore], *, reward: str, certificate: str, phase: str, whole: bool = False
    ) -> None:
        """Logs a batch of scored rollouts; a step that is done again after a resume replaces the old one.

        Of a batch that is the `whole` phase nothing else is left under it.
        """
        now = time.time()
        before = [("DELETE FROM scores WHERE phase = ?", [(phase,)])] if whole else []
        self._write_all(
            *before,
            (
                "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(reward, certificate, phase, e.step, e.position, e.rollout, e.score, now) for e in entries],
            ),
        )

    def scores(self, phase: str) -> list[LoggedScore]:
        """Gives the scored rollouts of a phase in their order."""
        rows = self._read(
            "SELECT step, position, rollout, score FROM scores WHERE phase = ? ORDER BY step, position", phase
        )
        return [LoggedScore(step=r[0], position=r[1], rollout=r[2], score=r[3]) for r in rows]

    def count(self) -> int:
        """Counts the answers kept."""
        return self._read("SELECT COUNT(*) FROM answers")[0][0] + len(self._waiting)

    def models(self) -> list[ModelAnswers]:
        """Says for each model what is kept of it."""
        tokens = ", ".join(
            f"TOTAL(json_extract(CAST(reply AS TEXT), '$.{name}'))"
            for name in ("prompt_tokens", "cached_tokens", "completion_tokens")
        )
        rows = self._read(
            f"SELECT model, COUNT(*), SUM(LENGTH(request) + LENGTH(reply)), {tokens}, MIN(at), MAX(at) "
            "FROM answers GROUP BY model ORDER BY model"
        )
        return [
            ModelAnswers(
                model=r[0], answers=r[1], bytes=r[2], prompt_tokens=int(r[3]), cached_tokens=int(r[4]),
                completion_tokens=int(r[5]), oldest=r[6], newest=r[7],
            )
            for r in rows
        ]  # fmt: skip

    def reply_to(self, request: bytes) -> bytes | None:
        """Gives the reply to a request, whoever was asked: for a replay. The first call makes an index for it."""
        if not self._indexed:
            self.write("CREATE INDEX IF NOT EXISTS answers_by_request ON answers (request)", [()])
            self._indexed = True
        rows = self._read("SELECT reply FROM answers WHERE request = ? LIMIT 1", request)
        return rows[0][0] if rows else None

    def first_request(self) -> bytes:
        """Gives one request that was answered; IndexError where there is none."""
        return self._read("SELECT request FROM answers LIMIT 1")[0][0]

    def usual(self, model: str) -> Usual:
        """Says what the answers of a model used on average, for an estimate of those to come."""
        written, seconds = (
            f"json_extract(CAST(reply AS TEXT), '$.{name}')" for name in ("completion_tokens", "seconds")
        )
        allowed = "json_extract(CAST(request AS TEXT), '$.max_tokens')"
        [(answers, share, mean)] = self._read(
            f"SELECT COUNT(*), SUM(CASE WHEN {written} > 0 THEN {written} END) * 1.0 / "
            f"SUM(CASE WHEN {written} > 0 THEN {allowed} END), AVG(CASE WHEN {seconds} > 0 THEN {seconds} END) "
            "FROM answers WHERE model = ?",
            model,
        )
        return Usual(answers=answers, share=share, seconds=mean)

    def older(self, before: float) -> tuple[int, int]:
        """Counts the answers from before a time, in seconds since 1970, and their bytes."""
        rows = self._read("SELECT COUNT(*), TOTAL(LENGTH(request) + LENGTH(reply)) FROM answers WHERE at < ?", before)
        return rows[0][0], int(rows[0][1])

    def prune(self, before: float) -> int:
        """Removes the answers from before a time, in seconds since 1970, and gives their room back. Says how many.

        Where another process holds the journal the answers are removed, and `UnavailableError` says that their room
        is not yet given back; the next call does that, whether or not it removes any.
        """
        removed = self._delete(before)
        if self._read("PRAGMA freelist_count")[0][0]:
            self._give_back(removed)
        return removed

    def _delete(self, before: float) -> int:
        try:
            with self._lock, self._connection:
                return self._connection.execute("DELETE FROM answers WHERE at < ?", (before,)).rowcount
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"{self.path}: nothing was removed from the journal ({error}); run the same command again"
            ) from error

    def _give_back(self, removed: int) -> None:
        try:
            with self._lock:
                self._connection.execute("VACUUM")
                # Until then the new, smaller file stands beside the old one.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"{self.path}: {removed} answers are removed, and their room is not given back ({error}); "
                "run the same command again when no other process uses the journal"
            ) from error

    def close(self) -> None:
        """Writes what is still to be kept and closes the file. Raises `UnavailableError` where that was not possible."""
        if self._waiting:
            self._keep_waiting()
        with self._lock:
            self._connection.close()
        if self._failed is not None:
            raise self._failed

    def pages(self, query: str, *parameters: object) -> Iterator[tuple[Any, ...]]:
        """Gives the rows of a query, some at a time; others may write in between."""
        cursor = self._connection.cursor()
        try:
            with self._lock:
                cursor.execute(query, parameters)
            while True:
                with self._lock:
                    rows = cursor.fetchmany(PAGE)
                if not rows:
                    return
                yield from rows
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def _read(self, query: str, *parameters: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.DatabaseError) -> UnavailableError:
        return UnavailableError(f"{self.path}: the journal cannot be read ({error}); move it away to begin a new one")

    def script(self, statements: str) -> None:
        """Runs statements that give nothing, each for itself."""
        with self._lock:
            self._connection.executescript(statements)

    def write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Writes rows in one transaction."""
        self._write_all((statement, rows))

    def _write_all(self, *statements: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        try:
            with self._lock, self._connection:
                for statement, rows in statements:
                    self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            raise UnavailableError(
                f"{self.path}: the journal cannot be written ({error}); free disk space and run the same command again"
            ) from error
