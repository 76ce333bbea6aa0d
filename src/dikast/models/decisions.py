"""Asks a decision model: up to 400 questions about one input in a request, each answered with a probability.

    model = DecisionsModel("decisions:gpt-6-luna", connection)
    reply = await model.reply(request)          # request.choices holds the questions

`POST /decisions` as OpenAI has it since October 2026 and others speak it. Such a model writes nothing, so it
can give neither quotes nor reasons; a question that it declines is missing alone.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dikast.errors import ModelError
from dikast.models.base import Capabilities, Choice, Reply, Request
from dikast.models.http import HttpEndpoint, tokens_of
from dikast.models.openai import encoded, with_extra
from dikast.spec.models import ModelConnection
from dikast.tasks import side_by_side

MOST_QUESTIONS = 400
"""In one request."""

Chosen = tuple[tuple[str, float], ...]


class _Probability(msgspec.Struct, frozen=True):
    probability: float
    value: str | bool | int | None = None
    label: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None
    probability: float | None = None
    probabilities: tuple[_Probability, ...] = ()


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None


class _Decision(msgspec.Struct, frozen=True):
    answers: tuple[_Answer, ...]
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_Decision).decode


class DecisionsModel:
    """One decision model behind one endpoint."""

    def __init__(self, name: str, connection: ModelConnection, *, first_pause: float = 0.5) -> None:
        self.name = name
        self._endpoint = HttpEndpoint(name, connection, "/decisions", first_pause=first_pause)
        self._extra = connection.body
        self.fingerprint = self._endpoint.fingerprint
        self.capabilities = Capabilities(decisions=True, na=True, concurrency=connection.concurrency)

    async def reply(self, request: Request) -> Reply:
        """Answers all questions, after retries, in as many requests as they need.

        Raises `ModelError`, or `UnavailableError` where no request can work.
        """
        if not isinstance(request.choices, tuple):
            raise ModelError("rejected", f"{self.name} answers yes/no and choice questions only")
        choices = request.choices
        parts = await side_by_side(
            self._some(request, choices[start : start + MOST_QUESTIONS])
            for start in range(0, len(choices), MOST_QUESTIONS)
        )
        return parts[0] if len(parts) == 1 else _joined(parts)

    async def close(self) -> None:
        """Closes the running loop's connections."""
        await self._endpoint.close()

    async def _some(self, request: Request, choices: tuple[Choice, ...]) -> Reply:
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "input": [{"type": "message", "role": m.role, "content": m.content} for m in request.messages],
            "questions": [_question(choice) for choice in choices],
        }
        raw = encoded(with_extra(body, self._extra))

        def read(answer: bytes, seconds: float) -> Reply:
            return read_decision(answer, choices, seconds=seconds)

        return await self._endpoint.post(raw, read, tokens=tokens_of(len(raw), 0))


def read_decision(body: bytes, choices: tuple[Choice, ...], *, seconds: float) -> Reply:
    """Reads a body into a reply. Raises `ModelError` ("unparsable") where it does not answer every question."""
    try:
        decision = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError("unparsable", f"the server's answer is no decision ({error})") from error
    if len(decision.answers) != len(choices):
        raise ModelError("unparsable", f"{len(decision.answers)} answers to {len(choices)} questions")
    usage = decision.usage or _Usage()
    return Reply(
        text="",
        chosen=tuple(
            _chosen(answer, choice) for answer, choice in zip(_by_name(decision.answers, choices), choices, strict=True)
        ),
        prompt_tokens=usage.input_tokens or 0,
        cached_tokens=(usage.input_tokens_details or _Details()).cached_tokens or 0,
        completion_tokens=usage.output_tokens or 0,
        seconds=seconds,
    )


def _question(choice: Choice) -> dict[str, Any]:
    """A question with the two answers yes and no is a predicate, one with digits a score, any other a choice."""
    meanings = choice.meanings or ("",) * len(choice.labels)
    if choice.labels == ("yes", "no"):
        told = [
            f"{label.capitalize()} means: {text}" for label, text in zip(choice.labels, meanings, strict=True) if text
        ]
        return {"type": "predicate", "name": choice.name, "instructions": "\n".join([choice.ask, *told])}
    described = [
        {name: text} | ({"description": meaning} if meaning else {})
        for text, meaning in zip(choice.labels, meanings, strict=True)
        for name in ("label" if _is_scale(choice) else "value",)
    ]
    kind = {"type": "score", "levels": described} if _is_scale(choice) else {"type": "choice", "choices": described}
    return {"name": choice.name, "instructions": choice.ask, **kind}


def _is_scale(choice: Choice) -> bool:
    return all(label.isdecimal() for label in choice.labels)


def _by_name(answers: tuple[_Answer, ...], choices: tuple[Choice, ...]) -> tuple[_Answer, ...]:
    """The answers in the order of the questions, in which they should be: a name tells where they are not."""
    if all(answer.name in (None, choice.name) for answer, choice in zip(answers, choices, strict=True)):
        return answers
    named = {answer.name: answer for answer in answers}
    if named.keys() != {choice.name for choice in choices}:
        raise ModelError("unparsable", "the names of the answers are not those of the questions")
    return tuple(named[choice.name] for choice in choices)


def _chosen(answer: _Answer, choice: Choice) -> Chosen:
    """The labels with their probabilities, only those that were offered; empty for a refusal."""
    if answer.type == "refusal":
        return ()
    chosen = tuple((label, _share(probability)) for label, probability in _named(answer) if label in choice.labels)
    if not chosen:
        raise ModelError("unparsable", f"the answer to '{choice.name}' holds none of {', '.join(choice.labels)}")
    return chosen


def _named(answer: _Answer) -> list[tuple[str, float]]:
    if answer.probability is not None:
        return [("yes", answer.probability), ("no", 1 - answer.probability)]
    return [(one.label if one.label is not None else str(one.value), one.probability) for one in answer.probabilities]


def _share(probability: float) -> float:
    if not 0 <= probability <= 1:
        raise ModelError("unparsable", f"a probability of {probability}")
    return probability


def _joined(parts: list[Reply]) -> Reply:
    return Reply(
        text="",
        chosen=tuple(one for part in parts for one in (part.chosen if isinstance(part.chosen, tuple) else ())),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        cached_tokens=sum(part.cached_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        seconds=max((part.seconds for part in parts), default=0.0),
    )
