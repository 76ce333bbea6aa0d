"""Rows of reinforcement fine-tuning: what a row of ours becomes, and what is wrong with a row that is there.

The checks are those of the vendor's two validators together: the stricter of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from dikast.records import Rollout

Row = dict[str, Any]

ROLES = ("system", "user", "assistant", "tool", "bot", "developer")
_MESSAGE_KEYS = frozenset({"role", "content", "tool_calls", "tool_call_id"})
TAKEN = frozenset({"id", "messages", "reference_answer", "tools", "metadata"})
"""Keys that mean something to the trainer: a column of that name would be misread."""


def rft_row(rollout: Rollout, *, reference: str | Row | None) -> Row:
    """Makes a training row; the columns stand on top, where every surface passes them on to the reward."""
    row: Row = {"id": rollout.id, "messages": messages_of(rollout)}
    if reference:
        row["reference_answer"] = reference
    return row | rollout.columns


def verl_row(rollout: Rollout, *, source: str) -> Row:
    """Makes a row of the open-weight recipes' form."""
    return {
        "data_source": source,
        "prompt": messages_of(rollout),
        "ability": source,
        "reward_model": {"style": "rule", "ground_truth": rollout.reference or ""},
        "extra_info": {"id": rollout.id, **rollout.columns},
    }


def messages_of(rollout: Rollout) -> list[dict[str, str]]:
    """Gives the prompt as chat messages."""
    if isinstance(rollout.prompt, str):
        return [{"role": "user", "content": rollout.prompt}]
    return [{"role": turn.role, "content": turn.content} for turn in rollout.prompt]


def rft_problems(row: Mapping[str, Any], *, first: bool) -> Iterator[str]:
    """Says what is wrong with a row. `first`: SageMaker's detector knows a file by its first row alone."""
    yield from _message_problems(row.get("messages"), first=first)
    name = row.get("id")
    if name is not None and not (isinstance(name, str) and name.strip()):
        yield "'id' must be a text that is not blank; mend it or leave it out"
    reference = row.get("reference_answer")
    if reference is not None and not (isinstance(reference, str | dict) and reference and _has_text(reference)):
        yield "'reference_answer' must be a text or an object, and not empty; mend it or leave it out"
    if row.get("tools") is not None:
        yield from _tool_problems(row["tools"])


def verl_problems(row: Mapping[str, Any]) -> Iterator[str]:
    """Says what is wrong with a row of the open-weight recipes."""
    yield from _message_problems(row.get("prompt"), key="prompt", first=True)
    for key in ("data_source", "ability"):
        if not isinstance(row.get(key), str):
            yield f"'{key}' must be a text"
    graded = row.get("reward_model")
    if not (isinstance(graded, dict) and isinstance(graded.get("ground_truth"), str) and graded.get("style") == "rule"):
        yield "'reward_model' must be {ground_truth: TEXT, style: rule}"


def _message_problems(messages: Any, *, first: bool, key: str = "messages") -> Iterator[str]:
    if not (isinstance(messages, list) and messages and all(isinstance(one, dict) for one in messages)):
        yield f"'{key}' must be a list of at least one message"
        return
    turns = cast("list[Row]", messages)
    roles = [turn.get("role") for turn in turns]
    if "user" not in roles:
        yield f"no message is the user's; {key} needs the prompt"
    if any(role in ("system", "developer") for role in roles[1:]):
        yield "a system message must come first, and once"
    if roles[-1] == "assistant":
        yield "the last message is the assistant's; the model is to write that one, remove it"
    if roles.count("user") > 1:
        yield "more than one message is the user's; single-turn training takes one"
    for at, turn in enumerate(turns):
        yield from (f"{key}[{at}]: {problem}" for problem in _turn_problems(turn, first=first))


def _turn_problems(turn: Row, *, first: bool) -> Iterator[str]:
    role, content = turn.get("role"), turn.get("content")
    if role not in ROLES:
        yield f"the role must be one of {', '.join(ROLES)}, not {json.dumps(role)}"
    if strange := turn.keys() - _MESSAGE_KEYS:
        yield f"unknown key '{min(strange)}'; a message has role and content"
    if isinstance(content, list):
        texts = all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content)
        if not content or not texts:
            yield "content must be text; other media are not taken"
        elif first:
            yield "content must be a plain text in the first row: SageMaker's detector looks at that one only"
    elif not (isinstance(content, str) and content.strip()):
        yield "content must be a text that is not blank"


def _tool_problems(tools: Any) -> Iterator[str]:
    if not (isinstance(tools, list) and tools):
        yield "'tools' must be a list that is not empty; mend it or leave it out"
        return
    names: list[Any] = []
    for at, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield f"tools[{at}]: must be {{type: function, function: ...}}"
            continue
        names.append(function.get("name"))
        for key in ("name", "description"):
            if not (isinstance(function.get(key), str) and function[key].strip()):
                yield f"tools[{at}]: '{key}' must be a text that is not blank"
        parameters = function.get("parameters")
        if not (isinstance(parameters, dict) and parameters.get("type") == "object"):
            yield f"tools[{at}]: 'parameters' must be a schema of type object"
    if len(set(map(str, names))) < len(names):
        yield "'tools': two have the same name"


def _has_text(reference: str | Mapping[str, Any]) -> bool:
    return not isinstance(reference, str) or bool(reference.strip())
