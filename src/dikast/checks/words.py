"""Splits text into words, so that all checks count alike."""

from __future__ import annotations

import re

import regex

# Chinese and Japanese are written without blanks: each of their characters counts, as word processors do it.
# Anything but letters, digits and an apostrophe inside parts words, so that none is hidden by joining
# them with hyphens, underscores or commas, and compact JSON counts the same as spaced JSON.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTERS = rf"[\w--[_{_UNSPACED}]]+"
_WORD = regex.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*", flags=regex.V1)  # noqa: RUF001  both apostrophes are meant
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
"""The same for plain ASCII, at a third of the time."""


def words_of(text: str) -> list[str]:
    """Gives the words of a text in their order."""
    return _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(text)


def count_words(text: str) -> int:
    """Counts the words of a text."""
    return len(words_of(text))
