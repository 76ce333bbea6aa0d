"""Puts criteria to a decision model: all of them about all candidates in one request, answered with probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from dikast.judges.base import Verdicts
from dikast.judges.read import YES_NO, expected_share, shares
from dikast.judges.render import Case, cases_text, fill, system_message
from dikast.models.base import Choice, Reply, Request
from dikast.records import Message, Missing, Verdict
from dikast.spec.judge import Criterion

NOT_APPLICABLE = "n/a"


def decisions_request(
    objective: str, cases: Sequence[Case], criteria: Sequence[Criterion], wording: str | None = None
) -> Request:
    """The request for every criterion about every case, candidate by candidate."""
    messages = (system_message(objective, wording), Message(role="user", content=cases_text(cases)))
    several = len(cases) > 1
    choices = tuple(
        _choice(criterion, number if several else None, wording)
        for number in range(1, len(cases) + 1)
        for criterion in criteria
    )
    return Request(messages=messages, max_tokens=1, choices=choices)


def read_decisions(reply: Reply, criteria: Sequence[Criterion], *, cases: int) -> list[Verdicts]:
    """Reads the verdicts in the order in which they were asked; a question that was refused is missing alone."""
    chosen = reply.chosen if isinstance(reply.chosen, tuple) else ()
    if len(chosen) != cases * len(criteria):
        detail = f"{len(chosen)} answers to {cases * len(criteria)} questions"
        return [dict.fromkeys((c.id for c in criteria), Missing("unparsable", detail)) for _ in range(cases)]
    answers = iter(chosen)
    return [{criterion.id: _read(dict(next(answers)), criterion) for criterion in criteria} for _ in range(cases)]


def _choice(criterion: Criterion, number: int | None, wording: str | None) -> Choice:
    which = "the candidate" if number is None else f"candidate {number}"
    ask = fill("decision", {"which": which, "ask": criterion.ask.strip()}, wording)
    name = criterion.id if number is None else f"{criterion.id}-{number}"
    labels = _answers(criterion)
    if criterion.scale is None:
        meanings = [(criterion.pass_ or "").strip(), (criterion.fail or "").strip()]
    else:
        meanings = [criterion.levels[int(level)].strip() for level in labels]
    if criterion.na:
        labels, meanings = [*labels, NOT_APPLICABLE], [*meanings, "The question does not apply."]
    return Choice(name=name, ask=ask, labels=tuple(labels), meanings=tuple(meanings))


def _read(held: dict[str, float], criterion: Criterion) -> Verdict | Missing:
    if not held:
        return Missing("refused", f"the model declined '{criterion.id}'")
    if criterion.na and held.get(NOT_APPLICABLE, 0.0) > 0.5:
        return Verdict(value=None)
    # What is not among the answers has no probability: a model may leave out the unlikely ones.
    share = shares({label: held.get(label, 0.0) for label in _answers(criterion)}, of="the probability")
    if isinstance(share, Missing):
        return share
    return Verdict(value=share["yes"] if criterion.scale is None else expected_share(share, criterion.scale))


def _answers(criterion: Criterion) -> list[str]:
    """What may be answered, n/a aside."""
    if criterion.scale is None:
        return list(YES_NO)
    return [str(level) for level in range(criterion.scale[0], criterion.scale[1] + 1)]
