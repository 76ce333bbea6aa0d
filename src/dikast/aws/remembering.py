"""The journal of a Lambda: the latest answers in memory, no more than fit, and nothing on disk.

An environment lives for hours and its questions hold whole documents, so they are not kept: only a reply, by
its question's key. An answer that was dropped is asked for again.
"""

from __future__ import annotations

import sqlite3

from dikast.journal import Answered, Journal

MOST = 20_000
"""Replies; a kilobyte each makes twenty megabytes."""


class LatestAnswers(Journal):
    """Remembers the latest replies. What else a journal keeps is not kept."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__(sqlite3.connect(":memory:", check_same_thread=False), None)
        self._most = most
        self._replies: dict[bytes, bytes] = {}

    def answer(self, key: bytes) -> bytes | None:
        """Gives the reply to a question, or None where it is not remembered any more."""
        return self._replies.get(key)

    def keep_soon(self, answered: Answered) -> None:
        """Remembers a reply, and forgets the oldest where there are too many."""
        while len(self._replies) >= self._most:
            del self._replies[next(iter(self._replies))]
        self._replies[answered.key] = answered.reply
