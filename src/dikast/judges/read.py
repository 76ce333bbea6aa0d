"""Reads a judge's reply: a verdict for each criterion, or what is missing and why. Never raises on a reply.

Only the reply is read, never the candidate; a total that the judge volunteers is ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from dikast.models.base import Reply
from dikast.quoting import quoted_in
from dikast.records import Missing, Verdict
from dikast.spec.reward import Criterion

MIN_MASS = 0.2
"""Share of probability that yes and no must hold together; below it the model did not answer the question."""

MAX_CHARACTERS = 100_000
"""Of a structured reply. A judge's has some hundreds for each criterion; looking for objects takes time in the square."""

_VALUES = {"yes": 1.0, "no": 0.0}


def read_yes_no(reply: Reply) -> Verdict | Missing:
    """P(yes) / (P(yes) + P(no)) over the first token's alternatives, case and white space folded."""
    if reply.finish == "refused":
        return Missing("refused", reply.text[:200])
    if not reply.first_token:
        return Missing("unparsable", "the reply has no log-probabilities")
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in reply.first_token:
        word = token.strip().casefold()
        if word in mass and not math.isnan(logprob):
            mass[word] += math.exp(min(logprob, 0.0))
    total = mass["yes"] + mass["no"]
    if total < MIN_MASS:
        return Missing("unparsable", f"yes and no hold {total:.3f} of the probability")
    return Verdict(value=mass["yes"] / total)


def read_structured(
    reply: Reply, criteria: Sequence[Criterion], sources: Mapping[str, str]
) -> dict[str, Verdict | Missing]:
    """Reads the verdicts of all criteria from a JSON reply; `sources` holds the inputs that may be quoted."""
    if reply.finish == "refused":
        return {c.id: Missing("refused", reply.text[:200]) for c in criteria}
    found = last_object(reply.text, holding="verdicts") if len(reply.text) <= MAX_CHARACTERS else None
    held = found.get("verdicts") if found else None
    if not isinstance(held, dict):
        reason = "truncated" if reply.finish == "length" else "unparsable"
        return {c.id: Missing(reason, reply.text[:200]) for c in criteria}
    verdicts = cast("dict[str, Any]", held)
    return {c.id: _read_one(verdicts.get(c.id), c, sources) for c in criteria}


def last_object(text: str, *, holding: str) -> dict[str, Any] | None:
    """Gives the last balanced JSON object of a text that holds a key, whatever stands around it."""
    decoder = json.JSONDecoder()
    found: dict[str, Any] | None = None
    at = text.find("{")
    while at != -1:
        try:
            value, end = cast("tuple[dict[str, Any], int]", decoder.raw_decode(text, at))
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if holding in value:
            found = value
        at = text.find("{", end)
    return found


def _read_one(answer: Any, criterion: Criterion, sources: Mapping[str, str]) -> Verdict | Missing:
    if not isinstance(answer, dict):
        return Missing("unparsable", f"no verdict for '{criterion.id}'")
    given = cast("dict[str, Any]", answer)
    said = given.get("answer")
    said = {True: "yes", False: "no"}[said] if isinstance(said, bool) else said
    word = said.strip().casefold() if isinstance(said, str) else ""
    reason, evidence = _text(given.get("reason")), _text(given.get("evidence"))
    if word == "n/a" and criterion.na:
        return Verdict(value=None, reason=reason)
    if word not in _VALUES:
        return Missing("unparsable", f"'{criterion.id}' is answered with {word[:40]!r}")
    if word == "yes" and criterion.evidence and not quoted_in(evidence or "", sources[criterion.evidence]):
        return Missing("bad_evidence", f"not in {criterion.evidence}: {(evidence or '')[:120]!r}")
    return Verdict(value=_VALUES[word], reason=reason, evidence=evidence)


def _text(value: Any) -> str | None:
    """Gives a field's text. An escape in the reply can write half a surrogate, which no file can hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
