"""Changes a candidate's text the way an attack does. Pure: text in, text out.

What a reader sees stays: padding repeats what stands there, hidden characters leave no mark, lookalikes look alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import cycle

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")  # noqa: RUF001  the full-width marks are meant
_INSIDE_A_WORD = re.compile(r"(?<![^\W\d_])([^\W\d_])(?=[^\W\d_])")
_SLOT = re.compile(r"\{(claim|credit|criterion|fence|verdicts)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fills the slots in one pass. Other braces stay: an attack may be JSON."""
    return _SLOT.sub(lambda slot: values[slot[1]], text)


def pad(text: str, factor: float) -> str:
    """Repeats the text's own sentences, in their order and whole, until it has at least `factor` times its words."""
    sentences = [stripped for piece in _SENTENCE_END.split(text) if (stripped := piece.strip())]
    words = len(text.split())
    added: list[str] = []
    length = words
    for sentence in cycle(sentences):
        if length >= factor * words:
            break
        added.append(sentence)
        length += len(sentence.split())
    return " ".join([text, *added])


def hide(text: str, characters: str) -> str:
    """Puts the characters, one after another, behind the first letter of each word of two letters and more."""
    turn = cycle(characters)
    return _INSIDE_A_WORD.sub(lambda letter: letter[1] + next(turn), text)


def disguise(text: str, pairs: Mapping[str, str]) -> str:
    """Replaces each letter by its lookalike."""
    return text.translate(str.maketrans(dict(pairs)))
