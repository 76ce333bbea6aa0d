"""Shortens a marked document to what stands around its marks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dikast.report.marks import Piece, Span

WHOLE = 1200
"""Characters of a document that is shown whole."""
AROUND = 250
"""Characters shown before and after a mark."""
MOST = 2400
"""Characters shown of one document."""


class Excerpt(NamedTuple):
    """Passages of a document, each in pieces, in their order; what stands between them is left out."""

    passages: tuple[tuple[Piece, ...], ...]
    left_out: int
    """Characters."""


def excerpt(pieces: Sequence[Piece]) -> Excerpt:
    """Gives the passages around a document's marks, its beginning where there is none."""
    length = sum(len(text) for text, _ in pieces)
    if length <= WHOLE:
        return Excerpt((tuple(pieces),) if pieces else (), 0)
    text = "".join(text for text, _ in pieces)
    spans = [_in_words(text, span) for span in _joined(_chosen(pieces))]
    kept = sum(end - start for start, end in spans)
    return Excerpt(tuple(tuple(_cut(pieces, span)) for span in spans), length - kept)


def _chosen(pieces: Sequence[Piece]) -> Iterator[Span]:
    """The surroundings of the marks, the judge's evidence first, as far as there is room."""
    marked: list[tuple[bool, Span]] = []
    at = 0
    for text, kind in pieces:
        if kind != "plain":
            marked.append((kind != "evidence", (at, at + len(text))))
        at += len(text)
    if not marked:
        yield 0, 2 * AROUND
    room = MOST
    for _, (start, end) in sorted(marked):
        begin = max(0, start - AROUND)
        stop = min(end + AROUND, at, begin + room)
        if stop <= start:
            return
        room -= stop - begin
        yield begin, stop


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans in order, those that meet made one."""
    held: Span | None = None
    for start, end in sorted(spans):
        if held is None:
            held = start, end
        elif start <= held[1]:
            held = held[0], max(held[1], end)
        else:
            yield held
            held = start, end
    if held is not None:
        yield held


def _in_words(text: str, span: Span) -> Span:
    """Shortens a span by the broken words at its ends, where there are words."""
    start, end = span
    first = text.find(" ", start, start + AROUND // 2) + 1 if start else 0
    last = text.rfind(" ", end - AROUND // 2, end) if end < len(text) else end
    return first or start, last if last > 0 else end


def _cut(pieces: Sequence[Piece], span: Span) -> Iterator[Piece]:
    at = 0
    for text, kind in pieces:
        shown = text[max(0, span[0] - at) : max(0, span[1] - at)]
        at += len(text)
        if shown:
            yield shown, kind
