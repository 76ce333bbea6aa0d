"""What Converse is sent, and how its answer is read: values, no sockets."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from dikast.errors import ModelError
from dikast.models.base import Reply, Request

Format = Literal["json_schema", "tool", "none"]
"""How a model is told which form its reply must have."""

_TOOL = "reply"
_REFUSED = frozenset({"guardrail_intervened", "content_filtered"})
_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})

# Where the candidate begins: up to there all rollouts of a group share the text. A document that holds such a
# line ends the cached part early, which costs money and changes nothing that the model sees.
_CANDIDATE = re.compile(r"^# Candidate[^\n]*\n<[0-9a-f]{16}>$", re.MULTILINE)


class _ToolUse(msgspec.Struct, frozen=True):
    input: Any = None


class _Block(msgspec.Struct, frozen=True, rename="camel"):
    """What a model thought before it answered (`reasoningContent`) is left where it is."""

    text: str | None = None
    tool_use: _ToolUse | None = None


class _Message(msgspec.Struct, frozen=True):
    content: tuple[_Block, ...] | None = None


class _Output(msgspec.Struct, frozen=True):
    message: _Message


class _Usage(msgspec.Struct, frozen=True, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: _Usage | None = None


def converse_arguments(
    request: Request, *, model: str, reply_format: Format, caches: bool, extra: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of Converse for a request. A null in `extra` takes one of the inference settings away."""
    system = [{"text": m.content} for m in request.messages if m.role == "system"]
    turns = [m for m in request.messages if m.role != "system"]
    messages: list[dict[str, Any]] = [
        {"role": m.role, "content": _blocks(m.content, cached=caches and at == 0)} for at, m in enumerate(turns)
    ]
    arguments: dict[str, Any] = {
        "modelId": model,
        "messages": messages,
        "inferenceConfig": {
            name: value
            for name, value in (("maxTokens", request.max_tokens), ("temperature", request.temperature))
            if extra.get(name, value) is not None
        },
    }
    if system:
        arguments["system"] = system
    if request.form is not None and reply_format == "json_schema":
        schema = {"name": _TOOL, "schema": bytes(request.form.written).decode()}
        arguments["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    elif request.form is not None and reply_format == "tool":
        tool = {
            "name": _TOOL,
            "description": "Gives the reply.",
            "inputSchema": {"json": request.form.schema},
            "strict": True,
        }
        arguments["toolConfig"] = {"tools": [{"toolSpec": tool}], "toolChoice": {"any": {}}}
    if fields := {name: value for name, value in extra.items() if value is not None}:
        arguments["additionalModelRequestFields"] = fields
    return arguments


def _blocks(text: str, *, cached: bool) -> list[dict[str, Any]]:
    """A text as content blocks, with a cache point after what all rollouts of the group share."""
    found = _CANDIDATE.search(text) if cached else None
    if found is None or found.start() == 0:
        return [{"text": text}]
    return [{"text": text[: found.start()]}, {"cachePoint": {"type": "default"}}, {"text": text[found.start() :]}]


def read_converse(answer: dict[str, Any], *, seconds: float) -> Reply:
    """Reads an answer into a reply: the input of the tool that was called, else the last text. Thinking is not read.

    Raises `ModelError` ("unparsable") where it is no answer of Converse, or holds what no file can.
    """
    try:
        read = msgspec.convert(answer, _Answer)
        text = _text(read.output.message.content or ())
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise ModelError("unparsable", f"the answer is none of Converse's ({error})") from error
    usage = read.usage or _Usage()
    cached = usage.cache_read_input_tokens or 0
    return Reply(
        text=text,
        finish="refused" if read.stop_reason in _REFUSED else "length" if read.stop_reason in _CUT else "stop",
        # Bedrock counts what it read from the cache and wrote into it beside the other input tokens.
        prompt_tokens=(usage.input_tokens or 0) + cached + (usage.cache_write_input_tokens or 0),
        cached_tokens=cached,
        completion_tokens=usage.output_tokens or 0,
        seconds=seconds,
    )


def _text(content: tuple[_Block, ...]) -> str:
    """What the model said. Raises `UnicodeEncodeError` for half a surrogate, which an escape can write."""
    calls = [block.tool_use.input for block in content if block.tool_use is not None]
    if calls:
        return msgspec.json.encode(calls[-1]).decode()
    texts = [block.text for block in content if block.text is not None]
    return texts[-1].encode().decode() if texts else ""
