"""Keeps what people answered: a line an answer, on the disk before the page hears of it.

    answers = Answers.open(path, seed=0)
    answers.add(given)

Killed at any moment, nothing that was acknowledged is lost: a line that was cut short was not, and is dropped. The last
answer to a question counts. One process at a time writes a file.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from dikast.certify.labels import Vote
from dikast.errors import DataError, UnavailableError, UsageError
from dikast.web.review.queue import Drawn

T = TypeVar("T")


class Question(NamedTuple):
    """What one annotator is asked: one criterion about one unit."""

    unit: str
    """The rollout's id."""
    item: int | None
    criterion: str
    annotator: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, or one taken back."""

    unit: str
    item: int | None
    criterion: str
    annotator: str
    answer: Vote | None
    """None takes back what was answered before."""
    asked: str
    """Hash of the question's wording: an answer to another wording is an answer to another question."""
    drawn: Drawn
    blind: bool
    """Whether the annotator had not been shown the judge's verdict yet."""
    at: str

    @property
    def question(self) -> Question:
        return Question(self.unit, self.item, self.criterion, self.annotator)


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    seed: int


class Answers:
    """The answers of all annotators, in a file and in memory."""

    def __init__(self, path: Path, descriptor: int, seed: int) -> None:
        self.path = path
        self.seed = seed
        self.last: dict[Question, Given] = {}
        """What each annotator says now."""
        self.blind: dict[Question, Given] = {}
        """What each said before seeing the judge's verdict."""
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, seed: int | None) -> Answers:
        """Opens or begins a file. A file goes on with the seed that it began with; `seed` None asks for that.

        Raises `UsageError` where it began with another one or is in use, `DataError` where a line is broken.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UnavailableError(f"{path}: cannot be written ({error.strerror}); name another with -o") from error
        try:
            return cls._begun(path, descriptor, seed)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def _begun(cls, path: Path, descriptor: int, seed: int | None) -> Answers:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"{path}: another review is writing it; end that one, or name another output with -o"
            ) from None
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            # Cut short by a kill: nobody was told that it is kept.
            os.truncate(descriptor, len(whole) - len(lines.pop()))
        if not lines:
            answers = cls(path, descriptor, seed or 0)
            answers._append(_Head(answers.seed))
            return answers
        begun = _decoded(lines[0], _Head, f"{path}:1").seed
        if seed is not None and seed != begun:
            raise UsageError(f"{path}: was begun with --seed {begun}; leave --seed out, or name another output with -o")
        answers = cls(path, descriptor, begun)
        for number, line in enumerate(lines[1:], start=2):
            answers._take(_decoded(line, Given, f"{path}:{number}"))
        return answers

    def add(self, given: Given) -> None:
        """Keeps an answer; it is on the disk when this returns. Raises `UnavailableError` where the disk refuses."""
        self._append(given)
        self._take(given)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._descriptor)

    def _take(self, given: Given) -> None:
        self.last[given.question] = given
        if given.blind:
            self.blind[given.question] = given

    def _append(self, line: msgspec.Struct) -> None:
        size = os.fstat(self._descriptor).st_size
        try:
            raw = msgspec.json.encode(line) + b"\n"
            while raw:
                raw = raw[os.write(self._descriptor, raw) :]
            os.fsync(self._descriptor)
        except OSError as error:
            # Half a line would join the next one.
            os.truncate(self._descriptor, size)
            raise UnavailableError(f"{self.path}: cannot be written ({error.strerror}); free space") from error


def answers_path(output: Path) -> Path:
    """Gives the file of answers that belongs to a labels file."""
    if not output.name:
        raise UsageError(f"-o {output}: a folder; name a file in it")
    return output.with_name(f"{output.stem}.answers.jsonl")


def _decoded(line: bytes, into: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(line, type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{where}: not an answer of a review ({error}); remove the line, or name another -o") from None
