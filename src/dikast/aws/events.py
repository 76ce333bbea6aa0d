"""Reads what a trainer sends to a reward Lambda, and writes the rows it wants back. Values only.

    rows = read_event(event)                       # any of the vendor's forms, which contradict each other
    answered([reward_row(row, ...) for row in rows])

The vendor's pages disagree about where the reference stands, what a content is and what the model's role is
called; all of their forms are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import msgspec

from dikast.errors import DataError
from dikast.records import Message, Part, Rollout, Score
from dikast.rollouts import group_of

_MODEL_ROLES = frozenset({"assistant", "nova_assistant"})
_SOLUTION = re.compile(r"<\|begin_of_solution\|>(.*?)<\|end_of_solution\|>", re.DOTALL)
_SOLUTION_TAG = re.compile(r"<\|(?:begin|end)_of_solution\|>")
_NOT_COLUMNS = frozenset({"id", "messages", "metadata", "prompt", "completion", "group"})


MISSING_BECAUSE = "missing:"
"""Begins the entry that says why a score is missing; the reason follows."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One sample of an event."""

    id: Any
    """As it came: it must go back as it came. Where none came, the sample's place."""
    rollout: Rollout | None = None
    """None where there is nothing to score: no answer yet, or a sample that cannot be read."""
    problem: str | None = None
    """Why a sample cannot be read. Without a problem and without a rollout, no model has answered it yet."""


def read_event(event: Any) -> list[Row]:
    """Reads an event, in its order. A sample that cannot be read is a row with a problem, and spoils no other.

    Raises `DataError` where the event as a whole is none of the forms.
    """
    samples = samples_of(event)
    given = {str(sample["id"]) for sample in samples if isinstance(sample, dict) and sample.get("id") is not None}
    return [_row(sample, _place(at, given)) for at, sample in enumerate(samples)]


def _place(at: int, given: set[str]) -> str:
    """A sample's place as its id, unlike every id that was given."""
    name = f"row-{at}"
    while name in given:
        name += "'"
    return name


def samples_of(event: Any) -> list[Any]:
    """The samples of an event: a list, a list under a name, or one sample alone."""
    if isinstance(event, list):
        return cast("list[Any]", event)
    if isinstance(event, dict):
        held = cast("dict[str, Any]", event)
        if isinstance(held.get("trajectories"), list):
            return held["trajectories"]
        if "messages" in held:
            return [held]
    raise DataError(
        f"the event is {_kind(event)}; send a list of samples, one sample with 'messages', or {{\"trajectories\": [...]}}"
    )


def _row(sample: Any, place: str) -> Row:
    if not isinstance(sample, dict):
        return Row(id=place, problem=f"the sample is {_kind(sample)}, not an object with 'messages'")
    held = cast("dict[str, Any]", sample)
    given = held.get("id")
    if given is None:
        name = place
    elif _travels(given):
        name = given
    else:
        return Row(id=place, problem="its id holds half a surrogate; send whole characters")
    try:
        turns = list(_turns(held.get("messages")))
        rollout = _rollout(held, turns, str(name)) if turns and turns[-1].role == "assistant" else None
    except DataError as error:
        return Row(id=name, problem=str(error))
    except UnicodeEncodeError:
        return Row(id=name, problem="its group, prompt or reference holds half a surrogate; send whole characters")
    return Row(id=name, rollout=rollout)


def _travels(name: Any) -> bool:
    """Whether an id can go back. Half a surrogate cannot: it would take the whole answer down."""
    try:
        msgspec.json.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def _rollout(sample: dict[str, Any], turns: list[Message], name: str) -> Rollout:
    *asked, answer = turns
    prompt = tuple(asked)
    columns = _columns(sample)
    given = columns.pop("group", None)
    group = group_of(prompt) if given is None else str(given)
    group.encode()
    return Rollout(
        id=name,
        group=group,
        prompt=prompt,
        completion=without_tags(answer.content),
        reference=_text_of_reference(columns.get("reference_answer")),
        columns=columns,
    )


def _columns(sample: dict[str, Any]) -> dict[str, Any]:
    """What a reward may name: the sample's own fields, those of its metadata, and those of a structured reference.

    Where two have a name in common, the one that stands further out counts.
    """
    metadata = sample.get("metadata")
    outer: dict[str, Any] = {**metadata, **sample} if isinstance(metadata, dict) else dict(sample)
    inner = outer.get("reference_answer")
    columns: dict[str, Any] = {**inner, **outer} if isinstance(inner, dict) else outer
    return {name: value for name, value in columns.items() if name not in _NOT_COLUMNS or name == "group"}


def _text_of_reference(reference: Any) -> str | None:
    if reference is None or isinstance(reference, str):
        return reference
    return msgspec.json.encode(reference, order="deterministic").decode()


def _turns(messages: Any) -> Iterator[Message]:
    if not isinstance(messages, list):
        raise DataError(f"'messages' is {_kind(messages)}, not a list of role and content")
    for turn in cast("list[Any]", messages):
        if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
            raise DataError("a turn of 'messages' is no object with a 'role'")
        role = "assistant" if turn["role"] in _MODEL_ROLES else turn["role"]
        yield Message(role=role, content=_text_of(turn.get("content")))


def _text_of(content: Any) -> str:
    """The text of a turn: a plain one, or the text parts of a list. What a model thought is none of them."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise DataError(f"a turn's 'content' is {_kind(content)}, not a text or a list of parts")
    parts = cast("list[Any]", content)
    return "".join(part if isinstance(part, str) else _text_of_part(part) for part in parts)


def _text_of_part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def without_tags(completion: str) -> str:
    """What stands in the last pair of the vendor's solution tags, or all of it without stray ones."""
    if "_of_solution|>" not in completion:
        return completion
    if found := _SOLUTION.findall(completion):
        return found[-1].strip()
    return _SOLUTION_TAG.sub("", completion).strip()


def metrics_list(score: Score, *, parts_as: Literal["Metric", "Reward"]) -> list[dict[str, Any]]:
    """A score's entries: each part that was had (of a set, the mean over its items), then what became of it."""
    values: dict[str, list[float]] = {}
    for part in score.parts:
        if part.value is not None:
            values.setdefault(_name_of(part), []).append(part.value)
    entries = [_entry(name, sum(had) / len(had), parts_as) for name, had in values.items()]
    entries.append(_entry("missing", float(score.status == "missing"), "Metric"))
    if score.missing is not None:
        entries.append(_entry(MISSING_BECAUSE + score.missing, 1.0, "Metric"))
    entries.append(_entry("gated", float(score.status == "gated"), "Metric"))
    entries.append(_entry("judge_seconds", score.usage.seconds, "Metric"))
    return entries


def _name_of(part: Part) -> str:
    return f"gate:{part.name}" if part.gate else part.name


def _entry(name: str, value: float, kind: Literal["Metric", "Reward"]) -> dict[str, Any]:
    return {"name": name, "value": round(float(value), 6), "type": kind}


def reward_row(row: Row, reward: float, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """One row of the answer."""
    return {"id": row.id, "aggregate_reward_score": float(reward), "metrics_list": metrics}


NO_ANSWER: list[dict[str, Any]] = [_entry("no_answer", 1.0, "Metric")]
"""Entries of a row that no model has answered: a verification's, never a trainer's."""


def answered(rows: Sequence[dict[str, Any]], *, envelope: bool) -> Any:
    """The whole answer: the bare list, or the envelope that open-weight models want."""
    if not envelope:
        return list(rows)
    body = msgspec.json.encode(rows).decode()
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}


def _kind(value: Any) -> str:
    return {type(None): "null", str: "a text", dict: "an object", list: "a list", bool: "a boolean"}.get(
        type(value), "a number"
    )
