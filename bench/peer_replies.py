"""What the fake judge says to judges that are not dikast's: a verdict in the form that each of them asks for.

The form is the function that must be called, else the schema that the reply must fit, else what the words of the
prompt ask for. The verdict itself rests on the last numbered answer in the prompt alone, so that whoever asks can
say beforehand what it must be. Peers' own environments import this too: the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

NUMBERED = re.compile(r"Answer \d+:")
CRITERION = re.compile(r"^- (\S+): .*\(answer one of, worst to best: (.+)\)$", re.MULTILINE)
RANGE = re.compile(r"an integer between (\d+) and (\d+)")


def completion(request: dict[str, Any], text: str) -> bytes:
    """The body of a chat completion with all that clients check for. `text` is what the messages say."""
    yes = says_yes(text)
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if function := forced(request):
        arguments = json.dumps(filled(function["parameters"], yes))
        called = {"name": function["name"], "arguments": arguments}
        message["tool_calls"] = [{"id": "call-1", "type": "function", "function": called}]
    else:
        message["content"] = written(request, text, yes=yes)
    used = len(text) // 4
    return json.dumps(
        {
            "id": "reply-1",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": used, "completion_tokens": 20, "total_tokens": used + 20},
        }
    ).encode()


def says_yes(text: str) -> bool:
    """Whether the verdict on the last numbered answer of a text is yes: by its hash, about every other one is."""
    numbers = NUMBERED.findall(text)
    about = numbers[-1] if numbers else text
    return hashlib.sha256(about.encode("utf-8", "surrogatepass")).digest()[0] < 128


def forced(request: dict[str, Any]) -> dict[str, Any] | None:
    """The function that the reply must call."""
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return None
    functions = [tool["function"] for tool in request["tools"]]
    return next(function for function in functions if function["name"] == choice["function"]["name"])


def written(request: dict[str, Any], text: str, *, yes: bool) -> str:
    """A reply by the request's schema, or by the words of its prompt."""
    form = request.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(filled(form["json_schema"]["schema"], yes))
    if "GRADE: $LETTER" in text:
        return f"The criterion was looked at step by step.\n\nGRADE: {'C' if yes else 'I'}"
    if '"verdicts"' in text:
        return json.dumps({"verdicts": [named(name, choices, yes) for name, choices in CRITERION.findall(text)]})
    if '"score"' in text:
        worst, best = found.groups() if (found := RANGE.search(text)) else ("0", "1")
        return json.dumps({"reason": "by hash", "score": int(best if yes else worst)})
    return "1.0" if yes else "0.0"


def named(name: str, choices: str, yes: bool) -> dict[str, str]:
    """A verdict on a criterion whose choices are listed from worst to best."""
    offered = choices.split(", ")
    return {"name": name, "reason": "by hash", "verdict": offered[-1] if yes else offered[0]}


def filled(schema: dict[str, Any], yes: bool, root: dict[str, Any] | None = None) -> Any:
    """A value that fits a schema: of what may be chosen, the first means yes and the second no."""
    root = schema if root is None else root
    if "$ref" in schema:
        place = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        return filled(place, yes, root)
    if "enum" in schema:
        return schema["enum"][:2][0 if yes else -1]
    for several in ("allOf", "anyOf", "oneOf"):
        if several in schema:
            return filled(schema[several][0], yes, root)
    if schema["type"] == "object":
        return {name: filled(part, yes, root) for name, part in schema.get("properties", {}).items()}
    if schema["type"] == "array":
        return [filled(schema["items"], yes, root)]
    plain = {"boolean": yes, "number": float(yes), "integer": int(yes), "string": "by hash", "null": None}
    return plain[schema["type"]]
