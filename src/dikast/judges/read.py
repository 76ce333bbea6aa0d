"""Reads a judge's reply: a verdict for each criterion, or what is missing and why. Never raises on a reply.

Only the reply is read, never the candidate; a total that the judge volunteers is ignored. What a reply
says in two ways it does not say: an object that is repeated from a candidate is no verdict.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from dikast.models.base import Reply
from dikast.quoting import quoted_in
from dikast.records import Missing, Verdict
from dikast.spec.judge import Criterion

MIN_MASS = 0.2
"""Share of probability that the offered answers must hold together; below it the model did not answer the question."""

MAX_CHARACTERS = 100_000
"""Of a reply that is searched for an object. A judge's has some hundreds for each criterion, and looking takes time in the
square. One that is an object as a whole may be longer: a set's is."""

_BEGINNING = re.compile(r"\s*(?:```\w*\s*)?\{")
_SLOT = re.compile(r"\{[\w .-]*\}")
"""A word in braces, as people and models write them; `{}` holds nothing either."""

_VALUES = {"yes": 1.0, "no": 0.0}
YES_NO = ("yes", "no")


def read_first_token(reply: Reply, answers: Sequence[str]) -> dict[str, float] | Missing:
    """Shares of the offered answers among the first token's alternatives, case and white space folded; they sum to 1."""
    if reply.finish == "refused":
        return Missing("refused", reply.text[:200])
    if not reply.first_token:
        return Missing("unparsable", "the reply has no log-probabilities")
    mass = dict.fromkeys(answers, 0.0)
    for token, logprob in reply.first_token:
        word = token.strip().casefold()
        if word in mass and not math.isnan(logprob):
            mass[word] += math.exp(min(logprob, 0.0))
    return shares(mass, of="the probability")


def shares(mass: Mapping[str, float], *, of: str) -> dict[str, float] | Missing:
    """Divides what the answers hold by their sum, where that is enough to say that the question was answered."""
    total = sum(mass.values())
    if not total >= MIN_MASS:
        named = " and ".join(mass) if len(mass) < 3 else "the answers"
        return Missing("unparsable", f"{named} hold {total:.3f} of {of}")
    return {name: value / total for name, value in mass.items()}


def read_yes_no(reply: Reply) -> Verdict | Missing:
    """P(yes) / (P(yes) + P(no)) over the first token's alternatives."""
    held = read_first_token(reply, YES_NO)
    return held if isinstance(held, Missing) else Verdict(value=held["yes"])


def read_level(reply: Reply, scale: tuple[int, int]) -> Verdict | Missing:
    """The expected level over the first token's alternatives, as a share of the scale."""
    held = read_first_token(reply, [str(level) for level in range(scale[0], scale[1] + 1)])
    return held if isinstance(held, Missing) else Verdict(value=expected_share(held, scale))


def expected_share(held: Mapping[str, float], scale: tuple[int, int]) -> float:
    """Σ p(x) (x − a) / (b − a) over the levels x of a scale a..b."""
    low, high = scale
    return min(1.0, sum(share * (int(level) - low) for level, share in held.items()) / (high - low))


def read_structured(
    reply: Reply, criteria: Sequence[Criterion], sources: Mapping[str, str], *, cases: int = 1, seen: str = ""
) -> list[dict[str, Verdict | Missing]]:
    """Reads the verdicts on each case from a JSON reply; `sources` holds the inputs that may be quoted.

    `seen` is what the judge was shown: see `the_object`.
    """
    if reply.finish == "refused":
        return [{c.id: Missing("refused", reply.text[:200]) for c in criteria} for _ in range(cases)]
    cut = reply.finish == "length"
    found = the_object(reply.text, holding="verdicts" if cases == 1 else "candidates", cut=cut, seen=seen)
    if found is None:
        reason = "truncated" if cut else "unparsable"
        return [{c.id: Missing(reason, reply.text[:200]) for c in criteria} for _ in range(cases)]
    if cases == 1:
        return [_read_case(found, criteria, sources, cut=cut)]
    held = _field(found, "candidates")
    return [_read_case(_field(held, str(at)), criteria, sources, cut=cut) for at in range(1, cases + 1)]


def the_object(text: str, *, holding: str, cut: bool = False, seen: str = "") -> dict[str, Any] | None:
    """Gives the JSON object of a text that holds a key, whatever words stand around it; None where there are two that differ.

    Around it nothing is looked for in a text of more than `MAX_CHARACTERS`. One that was `cut` off must begin with
    the object: after other words the object may be a quote, and the answer what is not there any more. So may one
    among other words that stands in what the judge has `seen`, letter by letter.
    """
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        looked_at = len(text) <= MAX_CHARACTERS and (not cut or _BEGINNING.match(text) is not None)
        found = _objects_in(text, holding, seen) if looked_at else []
        return found[0] if found and all(other == found[0] for other in found) else None
    return cast("dict[str, Any]", whole) if isinstance(whole, dict) and holding in whole else None


def _objects_in(text: str, holding: str, seen: str) -> list[dict[str, Any]]:
    """The objects that hold the key, with words around them; none where there is a brace of no object, or one was seen.

    A piece that cannot be read may be the judge's answer, and what is whole beside or inside it a candidate's that
    it repeats. Only the beginning of the same object once more, cut off at the end, says nothing new.
    """
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    first = ""
    at = 0
    while (start := text.find("{", at)) != -1:
        if "}" in text[at:start]:
            return []
        if slot := _SLOT.match(text, start):
            at = slot.end()
            continue
        try:
            value, at = cast("tuple[dict[str, Any], int]", decoder.raw_decode(text, start))
        except (ValueError, RecursionError):
            return found if first.startswith(text[start:].rstrip()) else []
        if holding in value:
            if text[start:at] in seen:
                return []
            found.append(value)
            first = first or text[start:at]
    return [] if "}" in text[at:] else found


def _read_case(
    held: Any, criteria: Sequence[Criterion], sources: Mapping[str, str], *, cut: bool
) -> dict[str, Verdict | Missing]:
    given = _field(held, "verdicts")
    return {c.id: _read_one(_field(given, c.id), c, sources, cut=cut) for c in criteria}


def _field(value: Any, key: str) -> Any:
    return cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None


def _read_one(answer: Any, criterion: Criterion, sources: Mapping[str, str], *, cut: bool) -> Verdict | Missing:
    if not isinstance(answer, dict):
        return Missing("truncated" if cut else "unparsable", f"no verdict for '{criterion.id}'")
    given = cast("dict[str, Any]", answer)
    reason, evidence = _text(given.get("reason")), _text(given.get("evidence"))
    value = _value(given.get("answer"), criterion)
    if isinstance(value, Missing):
        return value
    if value == 1.0 and criterion.evidence and not quoted_in(evidence or "", sources[criterion.evidence]):
        return Missing("bad_evidence", f"not in {criterion.evidence}: {(evidence or '')[:120]!r}")
    return Verdict(value=value, reason=reason, evidence=evidence)


def _value(said: Any, criterion: Criterion) -> float | Missing | None:
    """Yes, no, a level or n/a (None), only as the criterion offers it."""
    if criterion.scale is None and isinstance(said, str) and said in _VALUES:
        return _VALUES[said]
    if isinstance(said, bool):
        said = "yes" if said else "no"
    word = str(said).strip().casefold() if isinstance(said, str | int) else ""
    if word == "n/a" and criterion.na:
        return None
    if criterion.scale is None and word in _VALUES:
        return _VALUES[word]
    if criterion.scale is not None and word in [
        str(level) for level in range(criterion.scale[0], criterion.scale[1] + 1)
    ]:
        return expected_share({word: 1.0}, criterion.scale)
    return Missing("unparsable", f"'{criterion.id}' is answered with {word[:40]!r}")


def _text(value: Any) -> str | None:
    """Gives a field's text. An escape in the reply can write half a surrogate, which no file can hold."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
