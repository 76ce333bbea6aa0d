"""Splits text into words, so that all checks count alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

import regex

# Chinese and Japanese are written without blanks: each of their characters counts, as word processors do it.
# Anything but letters, digits and an apostrophe inside parts words, so that none is hidden by joining
# them with hyphens, underscores or commas, and compact JSON counts the same as spaced JSON.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTERS = rf"[\w--[_{_UNSPACED}]]+"
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
"""The same for plain ASCII."""
_BLANKS = bytes(code if chr(code).isalnum() else ord(" ") for code in range(128)).ljust(256)
"""For plain ASCII without an apostrophe: everything that parts words becomes a blank. A fraction of the regex's time."""
_FOLDED_BLANKS = _BLANKS.lower()


def words_of(text: str) -> list[str]:
    """Gives the words of a text in their order."""
    if not text.isascii():
        return _word().findall(text)
    return _ASCII_WORD.findall(text) if "'" in text else text.encode().translate(_BLANKS).decode().split()


@cache
def _word() -> regex.Pattern[str]:
    # Compiled when the first text needs it: most are plain.
    return regex.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*", flags=regex.V1)  # noqa: RUF001  both apostrophes are meant


@lru_cache(maxsize=4)
def folded_words(text: str) -> Sequence[str | bytes]:
    """Gives the words of a text with their case folded, to be counted and compared with each other.

    Several checks look at the same text one after another.
    """
    if text.isascii() and "'" not in text:
        return text.encode().translate(_FOLDED_BLANKS).split()
    return words_of(text.casefold())


def count_words(text: str) -> int:
    """Counts the words of a text."""
    # Folding the case of plain ASCII parts and joins no words.
    return len(folded_words(text) if text.isascii() else words_of(text))
