"""Renders what a judge is asked. Pure: the same values give the same bytes, so prefix caches hit.

The order is fixed: system and objective, then solved examples, then the documents, then the candidate
behind its fence, then the question. All rollouts of a group share everything up to the candidate. Where a model
answers several questions in one request, they stand before the documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from dikast.judges.fence import fenced, shown
from dikast.records import Message, Value
from dikast.spec.judge import Criterion

WORDINGS = ("brief", "formal", "careful")
"""Other wordings of the texts around a question, asked by the certificate alone: no reward is scored with them, and
none of its hashes knows of them."""

_PROMPTS = Path(__file__).parent / "prompts"
_SLOT = re.compile(r"\{(\w+)\}")


class Case(Value, frozen=True, kw_only=True):
    """What is put before the judge: the documents and one candidate."""

    documents: tuple[tuple[str, str], ...]
    """(shown name, text) in the reward's order."""
    candidate: str
    rollout: str = ""
    """Whose candidate it is; recorded verdicts are found by it, and no model sees it."""
    item: int | None = None


@cache
def template(name: str) -> str:
    """Reads a prompt text of this package."""
    # Not through importlib.resources, which takes as long to import as the whole of this package.
    return (_PROMPTS / f"{name}.md").read_text("utf-8").removesuffix("\n")


@cache
def _with_slots(name: str, wording: str | None) -> str:
    """A template as Python's % takes it, the slots by their names."""
    text = template(f"wordings/{wording}/{name}" if wording else name)
    return _SLOT.sub(r"%(\1)s", text.replace("%", "%%"))


def fill(name: str, values: Mapping[str, str], wording: str | None = None) -> str:
    """Fills a template in one pass: a value that holds `{candidate}` cannot pull anything in. `wording` is one of `WORDINGS`."""
    return _with_slots(name, wording) % values


def system_message(objective: str, wording: str | None = None) -> Message:
    """The part that all groups share."""
    return Message(role="system", content=fill("system", {"objective": objective.strip()}, wording))


def candidate_text(value: Any, show: Sequence[str] | None = None) -> str:
    """Writes a JSON value as a candidate: the fields of an object line by line, all or those of `show`; a text as it is."""
    if not isinstance(value, Mapping):
        return plain(value)
    fields = cast("Mapping[str, Any]", value)
    names = fields if show is None else show
    return "\n".join(f"{name}: {plain(fields[name])}" for name in names if name in fields)


def plain(value: Any) -> str:
    """Gives a text as it is, and what is no text as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def case_text(case: Case) -> str:
    """Documents first, then the fenced candidate."""
    candidate = fenced(shown(case.candidate).strip())
    return fill("documents", {"documents": _documents_text(case.documents), "candidate": candidate})


def _documents_text(documents: Sequence[tuple[str, str]]) -> str:
    return "".join([f"# {name}\n{shown(text).strip()}\n\n" for name, text in documents])


def cases_text(cases: Sequence[Case]) -> str:
    """Several candidates to the same documents, numbered from 1, each behind its own fence."""
    if len(cases) == 1:
        return case_text(cases[0])
    numbered = [f"# Candidate {at}\n{fenced(shown(case.candidate).strip())}" for at, case in enumerate(cases, start=1)]
    return _documents_text(cases[0].documents) + "\n\n".join(numbered)


def yes_no_messages(
    objective: str, case: Case, criterion: Criterion, wording: str | None = None
) -> tuple[Message, ...]:
    """One criterion, asked last, so that candidate and documents belong to the shared prefix.

    Its examples are earlier turns: the model has answered those, and goes on.
    """
    messages = [system_message(objective, wording)]
    for example in criterion.examples:
        solved = Case(documents=(), candidate=candidate_text(example.candidate))
        messages += [
            _question(solved, criterion, wording),
            Message(role="assistant", content="Yes" if example.answer else "No"),
        ]
    return (*messages, _question(case, criterion, wording))


def _question(case: Case, criterion: Criterion, wording: str | None) -> Message:
    if criterion.scale is not None:
        levels = "".join(f"{level} means: {text.strip()}\n" for level, text in sorted(criterion.levels.items()))
        question = fill("scale", {"ask": criterion.ask.strip(), "levels": levels}, wording)
        return Message(role="user", content=f"{case_text(case)}\n\n{question}")
    meanings = "".join(
        f"{word} means: {text.strip()}\n" for word, text in (("Yes", criterion.pass_), ("No", criterion.fail)) if text
    )
    question = fill("yes_no", {"ask": criterion.ask.strip(), "meanings": meanings}, wording)
    return Message(role="user", content=f"{case_text(case)}\n\n{question}")


def structured_system(
    objective: str, criteria: Sequence[Criterion], *, reason: bool, cases: int, wording: str | None = None
) -> Message:
    """Asks all criteria of so many cases in one request. The questions belong to the shared prefix; `cases_text` follows."""
    values = {
        "questions": "\n".join(_question_line(criterion) for criterion in criteria),
        "shape": _shape(criteria, reason=reason),
    }
    instruction = fill("structured" if cases == 1 else "structured_set", values, wording)
    return Message(role="system", content=f"{system_message(objective, wording).content}\n\n{instruction}")


def _shape(criteria: Sequence[Criterion], *, reason: bool) -> str:
    fields = ['"evidence": "<verbatim quote, where asked for>"'] if any(c.evidence for c in criteria) else []
    fields += ['"reason": "<one sentence>"'] if reason else []
    words = ['"yes" or "no"'] if any(c.scale is None for c in criteria) else []
    words += ["<number, where a scale is given>"] if any(c.scale is not None for c in criteria) else []
    words += ['"n/a"'] if any(c.na for c in criteria) else []
    fields.append(f'"answer": {" or ".join(words)}')
    return "{" + ", ".join(fields) + "}"


def _question_line(criterion: Criterion) -> str:
    line = f"- {criterion.id}: {criterion.ask.strip()}"
    if criterion.scale is not None:
        levels = " ".join(f"{level}: {text.strip()}" for level, text in sorted(criterion.levels.items()))
        line += f" Answer with a number. {levels}"
    if criterion.pass_:
        line += f" Yes: {criterion.pass_.strip()}"
    if criterion.fail:
        line += f" No: {criterion.fail.strip()}"
    if criterion.evidence:
        line += f" A yes needs a verbatim quote from {criterion.evidence} as evidence, given before the answer."
    if criterion.na:
        line += " Answer n/a where the question does not apply."
    for example in criterion.examples:
        candidate = json.dumps(shown(candidate_text(example.candidate)), ensure_ascii=False)
        line += f"\n  For instance {candidate}: {'yes' if example.answer else 'no'}."
    return line
