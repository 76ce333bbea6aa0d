"""Checks for the traces of a model that broke: odd characters, repetition, the same item twice.

The value is the least of three, each 1 where clean and 0 where broken:

    characters   1 - r / 50                       r odd characters in 10,000
    repetition   1 - (d - 0.2) / 0.4, in 0..1     d the share of word 4-grams that stood before;
                 0 where a word stands 4 times in a row
    items        distinct items / items

Odd are control, format, private-use, unassigned and half-surrogate characters and U+FFFD; tabs, line ends
and the joiners that Indic and Arabic scripts and emoji need are not. The judge does not see most of them,
so nothing else would hold the policy back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

import regex

from dikast.checks.base import NOT_JSON, PASSED, Checked, Json, Outcome
from dikast.checks.parsing import identity, text_of
from dikast.checks.words import folded_words

ODD_AT_ZERO = 50.0
"""Odd characters in 10,000 at which the value is 0: one in 200."""
SHARE_ALLOWED = 0.2
"""Contracts, explanations and worked sums stay below it in 99 texts of 100."""
SHARE_AT_ZERO = 0.6
GRAM = 4
MIN_WORDS = 16
"""Shorter texts have too few 4-grams for a share."""
STUTTER = 4
"""So many equal words in a row are broken."""

_ODD_ASCII = bytes(code for code in range(128) if not chr(code).isprintable() and chr(code) not in "\t\n\r")
_CLEAN = bytes(ord(" ") if code in _ODD_ASCII else code for code in range(256))


def artifacts_check(checked: Checked) -> Outcome:
    """Gives the least of the three values, with its reason."""
    text = text_of(checked, keys=True)
    odd = count_odd_characters(text)
    worst = _odd_outcome(odd, len(text)) if odd else PASSED
    words = folded_words(text if checked.parsed is NOT_JSON else text_of(checked))
    # A word four times in a row and a 4-gram that stood before repeat three words at least.
    if len(words) - len(set(words)) >= STUTTER - 1:
        worst = _worse(worst, _repetition(words))
    return _worse(worst, _items(checked.items)) if checked.items else worst


def count_odd_characters(text: str) -> int:
    """Counts characters that no clean text holds."""
    if text.isascii():
        # Bytes are looked up many times as fast, and most texts are plain.
        raw = text.encode()
        return 0 if raw.translate(_CLEAN) == raw else len(text) - len(raw.translate(None, _ODD_ASCII))
    return len(_odd().findall(text))


@cache
def _odd() -> regex.Pattern[str]:
    # To compile it takes longer than all other checks of a start, and many a text is plain.
    return regex.compile(
        r"[\p{C}\uFFFD--\t\n\r\u200C\u200D]"
        # A joiner is odd unless it follows a letter, mark or symbol beyond Latin.
        r"|(?<![^\x00-\x7F\p{Latin}\p{C}])[\u200C\u200D]",
        flags=regex.V1,
    )


def repetition_share(text: str) -> float:
    """Gives the share of word 4-grams that stood before in the text, case folded; 0 for fewer than 16 words."""
    return _share_of_repeated_grams(folded_words(text))


def _worse(one: Outcome, other: Outcome) -> Outcome:
    return other if other.value < one.value else one


def _odd_outcome(odd: int, characters: int) -> Outcome:
    return Outcome(value=max(0.0, 1 - odd / characters * 10_000 / ODD_AT_ZERO), reason=f"{odd} odd characters")


def _repetition(words: Sequence[str | bytes]) -> Outcome:
    longest = max((len(list(run)) for word, run in groupby(words) if word.isalpha()), default=0)
    if longest >= STUTTER:
        return Outcome(value=0.0, reason=f"a word stands {longest} times in a row")
    share = _share_of_repeated_grams(words)
    if share <= SHARE_ALLOWED:
        return PASSED
    value = max(0.0, 1 - (share - SHARE_ALLOWED) / (SHARE_AT_ZERO - SHARE_ALLOWED))
    return Outcome(value=value, reason=f"{share:.0%} of its word {GRAM}-grams repeat")


def _share_of_repeated_grams(words: Sequence[str | bytes]) -> float:
    if len(words) < MIN_WORDS:
        return 0.0
    grams = list(zip(*(words[at:] for at in range(GRAM)), strict=False))
    return 1 - len(set(grams)) / len(grams)


def _items(items: tuple[Json, ...]) -> Outcome:
    seen: set[object] = set()
    repeated: list[int] = []
    for at, item in enumerate(map(identity, items)):
        if item in seen:
            repeated.append(at)
        seen.add(item)
    if not repeated:
        return PASSED
    return Outcome(value=len(seen) / len(items), reason="an item stands there twice", item=repeated[0])
