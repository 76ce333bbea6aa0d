"""Reads a judge's reply: a verdict for each criterion, or what is missing and why. Never raises on a reply.

Only the reply is read, never the candidate; a total that the judge volunteers is ignored. What a reply
says in two ways it does not say: an object that is repeated from a candidate is no verdict.
"""

from __future__ import annotations

import json
import math
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
    reply: Reply, criteria: Sequence[Criterion], sources: Mapping[str, str], *, cases: int = 1
) -> list[dict[str, Verdict | Missing]]:
    """Reads the verdicts on each case from a JSON reply; `sources` holds the inputs that may be quoted."""
    if reply.finish == "refused":
        return [{c.id: Missing("refused", reply.text[:200]) for c in criteria} for _ in range(cases)]
    holding = "verdicts" if cases == 1 else "candidates"
    found = the_object(reply.text, holding=holding)
    if found is None:
        reason = "truncated" if reply.finish == "length" else "unparsable"
        return [{c.id: Missing(reason, reply.text[:200]) for c in criteria} for _ in range(cases)]
    held = [found] if cases == 1 else [_field(found, "candidates", str(at)) for at in range(1, cases + 1)]
    return [_read_case(one, criteria, sources, cut=reply.finish == "length") for one in held]


def the_object(text: str, *, holding: str) -> dict[str, Any] | None:
    """Gives the JSON object of a text that holds a key, whatever stands around it; None where there are two that differ.

    Around it nothing is looked for in a text of more than `MAX_CHARACTERS`.
    """
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        found = _objects_in(text, holding) if len(text) <= MAX_CHARACTERS else []
        return found[0] if found and all(other == found[0] for other in found) else None
    return cast("dict[str, Any]", whole) if isinstance(whole, dict) and holding in whole else None


def _objects_in(text: str, holding: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    at = text.find("{")
    while at != -1:
        try:
            value, end = cast("tuple[dict[str, Any], int]", decoder.raw_decode(text, at))
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if holding in value:
            found.append(value)
        at = text.find("{", end)
    return found


def _read_case(
    held: Any, criteria: Sequence[Criterion], sources: Mapping[str, str], *, cut: bool
) -> dict[str, Verdict | Missing]:
    return {c.id: _read_one(_field(held, "verdicts", c.id), c, sources, cut=cut) for c in criteria}


def _field(value: Any, *keys: str) -> Any:
    for key in keys:
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


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
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
