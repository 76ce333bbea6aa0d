"""What the linter says: one finding, with what is wrong, why that matters and what would be better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import msgspec

from dikast.spec.judge import Criterion

FindingLevel = Literal["error", "warning", "info"]
LEVELS: tuple[FindingLevel, ...] = get_args(FindingLevel)

LONGEST = 160
"""Letters of the file's that a finding repeats in one go."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend or to think about."""

    level: FindingLevel
    rule: str
    where: str
    """Its place in the file, as error messages name it."""
    problem: str
    why: str
    better: str
    """An example of a better one, or what to do."""


def place(at: int, criterion: Criterion) -> str:
    """Names a criterion by its position and id."""
    return f"judge.criteria[{at}] ({criterion.id})"


def questions_of(criterion: Criterion) -> Iterator[str]:
    """Gives the question in each of its wordings."""
    yield criterion.ask
    yield from criterion.paraphrases


def texts_of(criterion: Criterion) -> Iterator[str]:
    """Gives everything that the judge reads of a criterion, but for its solved examples."""
    yield from questions_of(criterion)
    yield from (text for text in (criterion.pass_, criterion.fail) if text)
    yield from criterion.levels.values()


def quoted(phrases: Iterable[str]) -> str:
    """Lists what stands in the file: the first few phrases, each once, on one line and not too long."""
    distinct = list(dict.fromkeys(map(_shortened, phrases)))
    return " and ".join(f"'{phrase}'" for phrase in distinct[:3])


def _shortened(phrase: str) -> str:
    line = " ".join(phrase.split())
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
