"""Finds out whether a question asks two things, by its grammar.

    compound("Is the comment correct and does it name a rule?")
    # Halves("Is the comment correct?", "Does it name a rule?")

What stands in quotation marks or brackets is not looked at. An `and` between nouns is left alone
('terms and conditions'), and so is one that may belong to a relative clause or an infinitive.
"""

from __future__ import annotations

import re

from dikast.certify.lint.grammar import Halves, Question, as_question

_ASIDE = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|“[^“”]*”|‘[^‘’]*’(?!\w)|`[^`]*`|\([^()]*\)|\[[^\[\]]*\]""")  # noqa: RUF001  the characters are the point
_WORD = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.!]\s+(?=[A-Z])")
_IF_SO = re.compile(
    r"(?:[,;] )?(?:\b(?:and|or|but)\b,? )?\bif (?:so|yes)(?:,| (?=(?:is|are|was|does|do|did|has|have|can)\b))",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"\band/or\b|\bas well as\b|\bboth\b(?=[^?]*\band\b)", re.IGNORECASE)


def compound(text: str) -> Halves | None:
    """The two things that a question asks; None where it asks one, as far as plain rules can tell."""
    text = " ".join(text.split())
    masked = _masked(text)
    if halves := _two_sentences(text, masked):
        return halves
    begin, end = _asked(masked)
    question = Question(text[begin:end], masked[begin:end])
    return next((halves for at in question.joints() if (halves := question.parted(at))), None)


def perhaps_compound(text: str) -> str | None:
    """The words that often join two questions, where the grammar does not tell."""
    found = _MAYBE.search(_masked(text))
    return found[0] if found else None


def _two_sentences(text: str, masked: str) -> Halves | None:
    """Two question marks, or 'and, if so, ...'."""
    first, _, rest = masked.partition("?")
    cut = (len(first), len(first) + 1) if "?" in rest.lstrip("?") else None
    if found := _IF_SO.search(masked):
        cut = cut or found.span()
    if cut is None or not _WORD.search(text, 0, cut[0]) or not _WORD.search(text, cut[1]):
        return None
    return Halves(as_question(text[: cut[0]]), as_question(text[cut[1] :]))


def _masked(text: str) -> str:
    """The text with quotations and asides blotted out, every other character in its place."""
    return _ASIDE.sub(lambda aside: "x" * len(aside[0]), text)


def _asked(masked: str) -> tuple[int, int]:
    """Where the question stands: after the sentences that lead to it; everything where nothing is asked."""
    end = masked.find("?")
    if end < 0:
        return 0, len(masked)
    begin = max((found.end() for found in _SENTENCE_END.finditer(masked, 0, end)), default=0)
    return begin, end
