"""Reads Converse's streaming twin: the events that an answer comes in, into the answer that Converse would have given.

    answer = gathered(client.converse_stream(**arguments)["stream"], begun=tell)

Whoever waits for an answer's beginning, and not for its end, has it asked for in this way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dikast.errors import ModelError

_RESPONSE_STREAM = "bedrock:InvokeModelWithResponseStream"


class _Start(msgspec.Struct, frozen=True, rename="camel"):
    tool_use: dict[str, Any] | None = None


class _BlockStart(msgspec.Struct, frozen=True, rename="camel"):
    content_block_index: int
    start: _Start = _Start()


class _ToolUseDelta(msgspec.Struct, frozen=True):
    input: str = ""


class _Delta(msgspec.Struct, frozen=True, rename="camel"):
    """What a model thinks before it answers (`reasoningContent`) is left where it is."""

    text: str | None = None
    tool_use: _ToolUseDelta | None = None


class _BlockDelta(msgspec.Struct, frozen=True, rename="camel"):
    content_block_index: int
    delta: _Delta


class _MessageStop(msgspec.Struct, frozen=True, rename="camel"):
    stop_reason: str


class _Metadata(msgspec.Struct, frozen=True):
    usage: dict[str, Any] | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    content_block_start: _BlockStart | None = None
    content_block_delta: _BlockDelta | None = None
    message_stop: _MessageStop | None = None
    metadata: _Metadata | None = None


def gathered(events: Iterable[dict[str, Any]], *, begun: Callable[[], object]) -> dict[str, Any]:
    """Puts Converse's answer together, and calls `begun` when the first event is there.

    Raises `ModelError`: "unparsable" for events of another shape, "transport" where they end before the answer does.
    """
    texts: dict[int, list[str]] = {}
    inputs: dict[int, list[str]] = {}
    stop, usage = None, None
    for number, raw in enumerate(events):
        if number == 0:
            begun()
        event = _read(raw)
        if (started := event.content_block_start) and started.start.tool_use is not None:
            inputs.setdefault(started.content_block_index, [])
        if (more := event.content_block_delta) and more.delta.text is not None:
            texts.setdefault(more.content_block_index, []).append(more.delta.text)
        if more and more.delta.tool_use is not None:
            inputs.setdefault(more.content_block_index, []).append(more.delta.tool_use.input)
        stop = event.message_stop.stop_reason if event.message_stop else stop
        usage = event.metadata.usage if event.metadata else usage
    if stop is None:
        raise ModelError("transport", "the stream of the answer ended before its end")
    blocks = {at: {"text": "".join(said)} for at, said in texts.items()}
    blocks |= {at: _tool_use("".join(said)) for at, said in inputs.items()}
    content = [blocks[at] for at in sorted(blocks)]
    return {"output": {"message": {"content": content}}, "stopReason": stop, "usage": usage}


def as_answered(response: dict[str, Any]) -> dict[str, Any]:
    """An error inside a stream as Converse would have answered it; one that Bedrock has no name for is its server's own."""
    code = str(response["Error"].get("Code") or "unknown")
    told = response["Error"] | {"Code": code[:1].upper() + code[1:]}
    return {"Error": told, "ResponseMetadata": {"HTTPStatusCode": 500}}


def refuses_streams(code: str, message: str) -> bool:
    """Whether an error says that the model does not stream, or that the role may not ask it to."""
    if code == "AccessDeniedException":
        return _RESPONSE_STREAM in message
    return code == "ValidationException" and "stream" in message.casefold()


def _read(raw: dict[str, Any]) -> _Event:
    try:
        return msgspec.convert(raw, _Event)
    except msgspec.ValidationError as error:
        raise ModelError("unparsable", f"an event of the answer is none of Converse's ({error})") from error


def _tool_use(said: str) -> dict[str, Any]:
    """A tool's input that was cut short is no JSON any more: it stays a text, and whoever reads it says so."""
    try:
        return {"toolUse": {"input": msgspec.json.decode(said or "{}")}}
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return {"text": said}
