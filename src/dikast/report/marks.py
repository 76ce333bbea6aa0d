"""Finds where a candidate, or a judge's evidence, stands verbatim in a document, and cuts the document there. Pure.

    pieces(document, candidate=["within 14 days of receipt"], evidence=[])

Quotes are compared as `quoting` folds them: white space, typographic marks and Unicode forms do not count. Whatever
a policy wrote, the work stays near the length of the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from dikast.quoting import fold

LEAST_WORDS = 2
"""Of a quote; a single word stands in most documents without being one."""
RUN_WORDS = 5
"""From so many words on, a passage that candidate and document share is marked without quotation marks."""
MOST_QUOTES = 200
"""Passages in quotation marks that are looked up of one text."""

Kind = Literal["plain", "candidate", "evidence"]
Piece = tuple[str, Kind]
Span = tuple[int, int]

_QUOTED = re.compile(r'"([^"]{1,2000})"')
_WORD = re.compile(r"\w+")


class _Folded(NamedTuple):
    """A text as quotes are compared, and where each of its letters comes from."""

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> Span:
        """Gives the place in the original of a place in the folded text."""
        return self.starts[start], self.ends[end - 1]


def pieces(document: str, *, candidate: Sequence[str], evidence: Sequence[str]) -> list[Piece]:
    """Cuts a document into pieces, each plain, a quote of the candidate's texts or the judge's evidence. Joined they are the document."""
    kinds: list[Kind] = ["plain"] * len(document)
    for text in candidate:
        _mark(kinds, "candidate", _shared(document, text))
    for quote in evidence:
        _mark(kinds, "evidence", _places(document, fold(quote)))
    return list(_cut(document, kinds))


def _mark(kinds: list[Kind], kind: Kind, spans: Iterable[Span]) -> None:
    for start, end in spans:
        for at in range(start, end):
            kinds[at] = kind


def _cut(document: str, kinds: Sequence[Kind]) -> Iterator[Piece]:
    begin = 0
    for at in range(1, len(document) + 1):
        if at == len(document) or kinds[at] != kinds[begin]:
            yield document[begin:at], kinds[begin]
            begin = at


def _shared(document: str, text: str) -> Iterator[Span]:
    """Gives the places of a text as a whole, of what it puts in quotation marks, and of longer passages that both share."""
    folded = fold(text)
    quoted = (found[1].strip() for found, _ in zip(_QUOTED.finditer(folded), range(MOST_QUOTES), strict=False))
    for quote in dict.fromkeys((folded, *quoted)):
        if quote.count(" ") >= LEAST_WORDS - 1:
            yield from _places(document, quote)
    yield from _runs(document, folded)


def _places(document: str, quote: str) -> Iterator[Span]:
    """Gives every place of a folded quote; places do not overlap."""
    source = _folded(document)
    at = source.text.find(quote) if quote else -1
    while at >= 0:
        yield source.span(at, at + len(quote))
        at = source.text.find(quote, at + len(quote))


def _runs(document: str, folded: str) -> Iterator[Span]:
    """Gives the passages of the document whose words stand in the text in the same order, `RUN_WORDS` at a time."""
    source = _folded(document)
    places = list(_WORD.finditer(source.text))
    # Each run of words once: a text that repeats itself without end costs no more than its length.
    ours = set(_in_a_row(found[0] for found in _WORD.finditer(folded)))
    for at, run in enumerate(_in_a_row(place[0] for place in places)):
        if run in ours:
            yield source.span(places[at].start(), places[at + RUN_WORDS - 1].end())


def _in_a_row(words: Iterable[str]) -> Iterator[tuple[str, ...]]:
    listed = list(words)
    return (tuple(listed[at : at + RUN_WORDS]) for at in range(len(listed) - RUN_WORDS + 1))


@lru_cache(maxsize=64)
def _folded(text: str) -> _Folded:
    """Folds a text word by word, so that each letter knows where it came from."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for word in re.finditer(r"\S+", text):
        plain = fold(word[0])
        if not plain:
            continue
        if letters:
            letters.append(" ")
            starts.append(word.start())
            ends.append(word.start())
        start, end = word.span()
        alike = len(plain) == end - start
        letters.append(plain)
        starts += range(start, end) if alike else [start] * len(plain)
        ends += range(start + 1, end + 1) if alike else [end] * len(plain)
    return _Folded("".join(letters), starts, ends)
