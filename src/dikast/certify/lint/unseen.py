"""Finds what a question refers to and the judge cannot see.

The judge sees the objective, the inputs that the reward shows it, one candidate and the question; no other
question, no other candidate, and no guideline that is not among the inputs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

from dikast.certify.lint.words import words
from dikast.spec.checks import LengthCheck, QuoteCheck
from dikast.spec.reward import RewardFile

_ELSEWHERE = re.compile(
    r"\bas (?:above|before|below|usual|discussed|agreed)\b"
    r"|\bsee (?:above|below)\b"
    r"|\b(?:mentioned|described|defined|listed|given|stated|explained|specified|discussed) (?:above|below|earlier)\b(?! the\b)"
    r"|\b(?:criteri(?:on|a)|questions?) (?:above|below)\b"
    r"|\babove[- ]mentioned\b|\baforementioned\b|\bthe (?:above|foregoing)\b"
    r"|\b(?:the|any|all|your) (?:previous|preceding|prior|earlier|next|other) (?:question|criteri)\w*"
    r"|\b(?:question|criterion) #?\d+",
    re.IGNORECASE,
)
_SIBLINGS = re.compile(
    r"\b(?:previous|preceding|earlier|next|(?:the|any|all) other|another) "
    r"(?:candidate|comment|item|rollout|completion|answer|response|repl(?:y|ie)|turn|message)s?\b",
    re.IGNORECASE,
)
_CONVERSATION = words(
    "conversation history chat dialogue dialog message messages transcript thread prompt email emails"
)

_BY = (
    r"\b(?:according to|as per|per|follow(?:s|ed|ing)?|obeys?|compl(?:y|ies) with|in line with|consistent with"
    r"|conforms? to|keeps? to|adheres? to|match(?:es)?|meets?|in accordance with|contradicts?|agrees? with|violates?|breaks?"
    r"|required by|allowed by|based on|see|listed in|compared (?:to|with)|similar to|identical to|(?:better|worse|longer|shorter) than"
    r"|as \w+ as"
    r"|as (?:stated|described|defined|required|set out|laid down|given|specified|explained) (?:in|by))"
    r" (?:the|our|your|its|their|these|all|any|[\w-]+'s) (?:[\w'-]+ ){0,2}?"
)


class _Kind(NamedTuple):
    """A kind of text that a question may refer to, and the words by which an input shows that it is there."""

    phrase: re.Pattern[str]
    shown_by: frozenset[str]


def _kind(*phrases: str, shown_by: str = "") -> _Kind:
    return _Kind(re.compile("|".join(phrases), re.IGNORECASE), words(shown_by))


_GUIDES = _kind(
    rf"{_BY}(?:guidelines?|guidance|style guide|guide|handbook|manual|playbook|polic(?:y|ies)|rubric|checklist|appendix"
    r"|code of conduct|annex|attachment|documentation|specification|house style)\b(?! (?:that|to)\b)",
    r"\b(?:the|our|your) (?:rubric|scoring guide|grading instructions)\b",
    shown_by="guideline guidelines guidance guide style handbook manual playbook policy policies rubric checklist code "
    "conduct appendix annex attachment documentation docs specification spec rules rule house",
)
_REFERENCES = _kind(
    rf"{_BY}(?:(?:reference|expected|ideal|correct|model|sample) (?:answer|response|solution|output)|reference|solution)\b",
    r"\b(?:the|our|your) (?:ground truth|answer key|(?:gold|golden|reference|model|expected|ideal) (?:answer|response|solution))\b",
    shown_by="reference expected ideal solution answer gold golden truth key expert model sample",
)
_REQUESTS = _kind(
    rf"(?:{_BY}|\b(?:answers?|address(?:es)?|fulfils?|fulfills?|solves?|responds? to) (?:the|their|[\w-]+'s) (?:[\w'-]+ )?)"
    r"(?:instructions?|prompt|task|question|request|query)\b",
    shown_by="instruction instructions prompt task question questions request query conversation chat dialogue brief asked asks",
)
_SOURCES = _kind(rf"{_BY}(?:source|source text|document|article|passage|context|contract|transcript|text)\b")
_CAMEL = re.compile(r"\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Sight(NamedTuple):
    """What the judge sees."""

    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    """Inputs that are the checks' alone."""
    hidden_fields: tuple[str, ...]
    """Fields of the candidate that a check names and the judge is not shown."""
    words: frozenset[str]
    """Of the inputs' names and their columns, in lower case."""
    told: frozenset[str]
    """Of the objective."""


def sight_of(file: RewardFile) -> Sight:
    """Says what the judge of a reward sees."""
    judge = file.judge
    shown = tuple(name for name in file.inputs if judge.inputs is None or name in judge.inputs)
    named = [*shown, *(file.inputs[name] for name in shown)]
    fields = {c.field for c in file.checks if isinstance(c, LengthCheck | QuoteCheck) and c.field}
    return Sight(
        shown=shown,
        hidden=tuple(name for name in file.inputs if name not in shown),
        hidden_fields=tuple(sorted(fields - set(judge.show))) if judge.show is not None else (),
        words=_words_of(*named),
        told=_words_of(file.objective),
    )


def _words_of(*texts: str) -> frozenset[str]:
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def unseen(text: str, sight: Sight, *, compares: bool = False) -> Iterator[str]:
    """Gives the words that refer to what the judge does not see. Where it `compares`, it sees other candidates."""
    yield from (found[0] for found in _ELSEWHERE.finditer(text))
    if not (compares or _CONVERSATION & sight.words):
        yield from (found[0] for found in _SIBLINGS.finditer(text))
    for kind, shown in (
        (_GUIDES, sight.words | sight.told),
        (_REFERENCES, sight.words),
        (_REQUESTS, sight.words | sight.told),
    ):
        if not kind.shown_by & shown:
            yield from (found[0] for found in kind.phrase.finditer(text))
    if not sight.shown:
        yield from (found[0] for found in _SOURCES.phrase.finditer(text))
    yield from _hidden_names(text, sight)
    yield from _misspelt_names(text, sight)


def _hidden_names(text: str, sight: Sight) -> Iterator[str]:
    for name in (*sight.hidden, *(field for field in sight.hidden_fields if "_" in field)):
        # A name in small letters is an ordinary word too: only 'the contract' speaks of the input `contract`.
        before = r"\bthe " if name.islower() and "_" not in name else r"(?<!\w)"
        if re.search(rf"{before}{re.escape(name)}(?!\w)", text):
            yield name


def _misspelt_names(text: str, sight: Sight) -> Iterator[str]:
    names = (*sight.shown, *sight.hidden)
    for word in dict.fromkeys(_CAMEL.findall(text)):
        if word not in names and difflib.get_close_matches(word, names, n=1, cutoff=0.8):
            yield word
