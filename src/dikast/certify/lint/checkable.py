"""Finds questions that code answers better than a judge: for nothing, always alike, and nobody talks it round."""

from __future__ import annotations

import re
from typing import NamedTuple

from dikast.spec.reward import RewardFile

_LANGUAGES = (
    "english|german|french|spanish|italian|portuguese|dutch|polish|swedish|danish|norwegian|finnish|greek|turkish|russian"
    "|ukrainian|czech|hungarian|romanian|arabic|hebrew|hindi|chinese|japanese|korean|vietnamese|thai|indonesian"
)
_NUMBER = r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twenty|fifty|a hundred)"
_LIMITS = (
    r"\b(?!at least one\b)(?:at most|no more than|not more than|fewer than|less than|under|over|more than|at least|within|up to"
    rf"|exactly|longer than|shorter than|exceeds?|between {_NUMBER} and) "
)
_COUNTED = rf"(?:{_NUMBER} (?:sentences?|paragraphs?|lines?|tokens?)|\d{{2,}} (?:characters|letters))"
_QUOTE = r"(?:(?:excerpt|quote|quotation|citation|snippet|extract)s?|(?:quoted|cited) (?:text|words?|passage|sentence))"


class Kind(NamedTuple):
    """A check that answers such a question."""

    check: str
    pattern: re.Pattern[str]
    better: str


def _of(check: str, better: str, *patterns: str) -> Kind:
    return Kind(check, re.compile("|".join(patterns), re.IGNORECASE), better)


KINDS = (
    _of(
        "quote",
        "{{check: quote, field: text_excerpt, source: {source}, gate: true}}",
        rf"^(?:is|are|does|do|can) (?:[\w']+ ){{0,2}}?{_QUOTE}(?: really| actually| literally| exactly)? (?:(?:appear|occur|exist"
        r"|stand|found|be found) in\b|(?:(?:copied|taken|quoted) )(?:[\w-]+ ){0,3}?from\b"
        r"|(?:in|part of) the [\w']+(?: (?:text|document|contract|source|clause))?\s*\??$)",
        rf"\b(?:{_QUOTE}|quotes?|quoted|cites?|stands?|appears?)\b[^.?]{{0,60}}?\b(?:verbatim|word[- ]for[- ]word)\b",
        r"\bverbatim (?:quote|excerpt|copy|quotation)",
    ),
    _of(
        "json",
        "{{check: json, schema: answer.schema.json, gate: true}}",
        r"^(?!.*\bhow\b).*\b(?:is|are|as|in|be|returns?|outputs?)\b[^.?]{0,30}?\b(?:valid|well-?formed|parsable|parseable|correct|proper) json\b",
        r"^(?:is|are) [^.?]{0,40}?\bin (?:the )?json(?: format)?\s*[?.]?$",
        r"^(?:can|does|do) [^.?]{0,30}?\bparsed?\b[^.?]{0,10}? as json\b",
        r"\b(?:follows?|match(?:es)?|conforms? to|compl(?:y|ies) with|valid against) (?:the |a |its |this )?(?:json |given |required )*schema\b",
    ),
    _of(
        "length",
        "{{check: length, max_words: 120, weight: 0.1}}",
        rf"{_LIMITS}{_NUMBER} words?\b",
        rf"\b{_NUMBER} words? (?:or (?:less|fewer|more)|long|at most|at the most|in length|maximum)\b",
        r"^how long (?:is|are)\b",
    ),
    _of(
        "python",
        '{{check: python, call: "my_checks:short_enough", name: short_enough, weight: 0.1}}, a function that counts',
        rf"{_LIMITS}{_COUNTED}\b",
        rf"\b{_COUNTED} (?:or (?:less|fewer|more)|long|at most|at the most|in length|maximum)\b",
    ),
    _of(
        "language",
        "{{check: language, same_as: prompt, gate: true}}",
        rf"^(?:is|are|does|do|did|has|have) [^.?]{{0,60}}?\b(?:in|uses?|only) (?:{_LANGUAGES})"
        r"(?=\s*(?:[?.,;]|$|only\b|and not\b|rather\b|instead\b|or another\b|throughout\b))",
        r"\bsame language as\b",
        r"\b(?:in|match(?:es)?|uses?) the language of the (?:prompt|question|user|customer|request|document|message)\b",
        r"^(?:which|what) language\b",
    ),
    _of(
        "artifacts",
        "{{check: artifacts, weight: 0.1}}",
        r"\b(?:odd|strange|garbled|weird|broken|unprintable|non-?printable|stray) (?:unicode )?(?:characters?|symbols?)\b",
        r"\bgibberish\b|\bmojibake\b",
        r"\brepeats? (?:itself|themselves)\b",
        r"\brepeats? the same (?:word|sentence|phrase|text|line)s?\b",
        r"\b(?:free of|avoids?|without) repetitions?\b",
    ),
)


def checkable(question: str, file: RewardFile) -> tuple[str, str] | None:
    """The check that answers a question and how it is written; None where it takes a judge."""
    text = " ".join(question.split())
    for kind in KINDS:
        if kind.pattern.search(text):
            return kind.check, kind.better.format(source=next(iter(file.inputs), "Source"))
    return None
