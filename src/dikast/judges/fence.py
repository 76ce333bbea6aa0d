"""Puts text from outside behind a fence that it cannot close."""

from __future__ import annotations

import hashlib
import itertools
import unicodedata


def fence_of(candidate: str) -> str:
    """Gives the first 16 hex digits of SHA-256(candidate, n), for the smallest n whose fence is not in the candidate."""
    raw = candidate.encode("utf-8", "surrogatepass")
    for n in itertools.count():
        fence = hashlib.sha256(b"%b\x00%d" % (raw, n)).hexdigest()[:16]
        if fence not in candidate:
            return fence
    raise AssertionError("unreachable: itertools.count does not end")


def fenced(candidate: str) -> str:
    """Wraps a candidate between two lines that hold its fence."""
    fence = fence_of(candidate)
    return f"<{fence}>\n{candidate}\n</{fence}>"


def shown(text: str) -> str:
    """Gives the text as a judge sees it: NFC, without invisible format characters (category Cf) and lone surrogates.

    The raw text stays in the rollout: what hides there is a monitor's business, not the judge's.
    """
    if text.isascii():
        return text
    hidden = [c for c in set(text) if unicodedata.category(c) in ("Cf", "Cs")]
    if hidden:
        text = text.translate(dict.fromkeys(map(ord, hidden)))
    return unicodedata.normalize("NFC", text)
