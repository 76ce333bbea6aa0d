"""Splits text into words, so that all checks count alike."""

from __future__ import annotations

import regex

# Chinese and Japanese are written without blanks: each of their characters counts, as word processors do it.
# Anything but letters, digits and an apostrophe inside parts words, so that none is hidden by joining
# them with hyphens, underscores or commas, and compact JSON counts the same as spaced JSON.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTERS = rf"[\w--[_{_UNSPACED}]]+"
_WORD = regex.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*", flags=regex.V1)  # noqa: RUF001  both apostrophes are meant


def words_of(text: str) -> list[str]:
    """Gives the words of a text in their order."""
    return _WORD.findall(text)


def count_words(text: str) -> int:
    """Counts the words of a text."""
    return len(words_of(text))
