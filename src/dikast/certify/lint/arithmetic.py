"""Finds arithmetic and grades without a scale in what the judge is asked: counting and adding up is code's work."""

from __future__ import annotations

import re

_FIRST = r"(?:^|[.?!;:]\s+|\bthen |\bplease )"
_IT = r"(?= (?:it|its|the|this|that|each|every|all|how|both|from|on)\b)"
_THINGS = (
    r"(?:claims|sentences|statements|words|comments|items|points|facts|steps|errors|mistakes|answers|rules|paragraphs"
    r"|arguments|sources|citations|criteria|examples|reasons|risks|issues|questions|suggestions|options|benefits|references"
    r"|headings|sections|text|answer|reply|response|completion|candidate)"
)
_HOLDS = r"\b(?:contain|include|mention|name|list|give|offer|provide|cite|make|have|raise|identify|propose|state|use|ask|present)s?"
_SEVERAL = r"(?:[2-9]|\d{2,}|two|three|four|five|six|seven|eight|nine|ten|a dozen)"
_GRADE = r"(?:score|rating|mark|grade|points)"

_SUMS = re.compile(
    rf"{_FIRST}(?:count|sum (?:up|the|all)|add up|total up|tally|calculate|compute)\b"
    rf"|(?:, |\band )(?:count|sum up|add up|tally){_IT}"
    r"|^how (?:many|often)\b"
    r"|^(?:what|which) (?:percentage|percent|share|proportion|fraction|number)\b"
    rf"|^(?:is|are|does) the (?:total|overall|average|mean|weighted|aggregate) {_GRADE}\b"
    r"|\b(?:number|percentage|share|proportion|fraction) of [\w ]{1,40}?\b(?:above|below|at least|at most|more than|less than"
    r"|greater than|smaller than|higher than|lower than|equal to)\b"
    r"|\b(?:at least|at most|more than|less than|fewer than|over|under|above|below|exactly) "
    rf"(?:\d+ ?(?:%|percent|per cent)|half|two thirds|three quarters|a third|a quarter) of (?:the |its |all )*{_THINGS}\b"
    rf"|{_HOLDS} (?:at least|at most|no more than|more than|less than|fewer than|exactly|over|under) {_SEVERAL} (?:\w+ )?{_THINGS}\b"
    rf"|\b(?:sum|total|average|mean) of (?:the |all |these |its )*(?:\w+ )?(?:{_GRADE}|scores|ratings|marks|grades|criteria|verdicts)\b"
    rf"|\b(?:total|overall|weighted) {_GRADE} (?:is|must|should|of)\b"
    rf"|(?:{_FIRST}|, |\band )(?:give|assign|award|return|output|report|write|produce) (?:it |[\w ]{{0,20}}?\b(?:a|an|the|your|one) )"
    rf"(?:total |overall |final |average |single |numeric )?{_GRADE}\b"
    r"|\b(?:\d+|one|two|three|a|half a) points? (?:for|per|if)\b",
    re.IGNORECASE,
)
_GRADES = re.compile(
    rf"{_FIRST}(?:rate|score|grade|rank)\b"
    rf"|(?:, |\band )(?:rate|score|grade){_IT}"
    rf"|{_FIRST}(?:evaluate|assess|judge|mark)\b[^?]{{0,80}}?\b(?:from|between|out of|scale)\b[^?]{{0,16}}?\d"
    r"|^(?:can|could|would|will) you (?:please )?(?:rate|score|grade|rank)\b"
    r"|\bon a (?:\d+[- ]point )?scale (?:of|from)\b"
    r"|^on a scale\b",
    re.IGNORECASE,
)
_ASKS_LATER = re.compile(r",\s*(?:is|are|was|were|do|does|did|has|have|can|could|will|would|should)\b", re.IGNORECASE)
_OPEN = re.compile(r"^\W*(?:to what|how|what|why|who|whom|which|where|when)\b", re.IGNORECASE)


def arithmetic(text: str, *, scaled: bool = False) -> str | None:
    """The words that ask for arithmetic, or for a grade where no `scale` says what its levels mean, and some more."""
    flat = " ".join(text.split())
    found = _SUMS.search(flat) or (None if scaled else _GRADES.search(flat))
    return flat[found.start() : found.end() + 60].strip(" .?!;:,") if found else None


def open_ended(question: str) -> bool:
    """Whether a question cannot be answered with yes or no."""
    return bool(_OPEN.search(question)) and not _ASKS_LATER.search(question)
