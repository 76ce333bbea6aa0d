"""Says whether a quote stands in its source. Judges hold a model's evidence to it, checks a candidate's own quotes."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "\u00ad": None})  # noqa: RUF001  the characters are the point
_BLANKS = re.compile(r"\s+")


def quoted_in(quote: str, source: str) -> bool:
    """Whether a quote stands in its source, letter by letter after folding Unicode forms and white space."""
    folded = fold(quote)
    return bool(folded) and folded in fold(source)


def fold(text: str) -> str:
    """NFKC, typographic quotes and dashes made plain, white space folded to one blank."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return _BLANKS.sub(" ", text).strip()
