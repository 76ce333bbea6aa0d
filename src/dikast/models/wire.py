"""The chat-completions format: a request as a body, a body as a reply. Pure.

llama.cpp in this process and every OpenAI-compatible server speak it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dikast.errors import ModelError
from dikast.models.base import Reply, Request

Format = Literal["json_schema", "json_object", "none"]
"""How a server is told which form the reply's text must have."""

_THINK, _THOUGHT = "<think>", "</think>"
_EVENT_LINES = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a stream of events begins: gateways send a comment first, so that nobody gives up while they wait."""


class _TopLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float | None = None


class _Token(msgspec.Struct, frozen=True):
    top_logprobs: tuple[_TopLogprob, ...] | None = ()


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[_Token, ...] | None = None


class _Piece(msgspec.Struct, frozen=True):
    """One piece of what was said: a text, or what was thought before it, which is no text here."""

    text: str | None = None


class _Message(msgspec.Struct, frozen=True):
    """What a model thought before it answered (`reasoning_content`) is left where it is."""

    content: str | tuple[_Piece, ...] | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None


class _Choices(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]


class _Completion(_Choices, frozen=True):
    usage: _Usage | None = None


class _StreamedChoice(msgspec.Struct, frozen=True):
    delta: _Message = _Message()
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Event(msgspec.Struct, frozen=True):
    choices: tuple[_StreamedChoice, ...] = ()
    usage: _Usage | None = None


_NO_USAGE = _Usage()

_decode = msgspec.json.Decoder(_Completion).decode
_decode_choices = msgspec.json.Decoder(_Choices).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def body_of(request: Request, *, model: str | None = None, reply_format: Format = "json_schema") -> dict[str, Any]:
    """Gives the body that asks for a reply, for msgspec to write."""
    body: dict[str, Any] = {} if model is None else {"model": model}
    body["messages"] = request.messages
    body["max_tokens"] = request.max_tokens
    body["temperature"] = request.temperature
    if request.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.form is not None and reply_format == "json_schema":
        schema = {"name": "reply", "strict": True, "schema": request.form.written}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif request.form is not None and reply_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def read_body(body: bytes, seconds: float) -> Reply:
    """Reads a body, whole or as a stream of events, into a reply. Raises `ModelError` ("unparsable") where it is neither."""
    try:
        completion = _gathered(body) if body.lstrip().startswith(_EVENT_LINES) else _whole(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unparsable(error) from error
    return _reply_of(completion, seconds)


def read_answer(answer: dict[str, Any], seconds: float) -> Reply:
    """Reads what stands in a body, decoded already. Raises `ModelError` ("unparsable") where it is no completion."""
    try:
        completion = msgspec.convert(answer, _Completion)
    except msgspec.ValidationError as error:
        raise _unparsable(error) from error
    return _reply_of(completion, seconds)


def _unparsable(error: Exception) -> ModelError:
    return ModelError("unparsable", f"the server's answer is no chat completion ({error})")


def _reply_of(completion: _Completion, seconds: float) -> Reply:
    if not completion.choices:
        raise ModelError("unparsable", "the server's answer holds no choice")
    choice = completion.choices[0]
    message = choice.message
    usage = completion.usage or _NO_USAGE
    details = usage.prompt_tokens_details
    return Reply(
        text=message.refusal or _without_thought(_said(message)),
        finish=_finish(choice),
        first_token=_first_token(choice.logprobs) if choice.logprobs else None,
        prompt_tokens=usage.prompt_tokens or 0,
        cached_tokens=details.cached_tokens or 0 if details else 0,
        completion_tokens=usage.completion_tokens or 0,
        seconds=seconds,
    )


def _whole(body: bytes) -> _Completion:
    try:
        return _decode(body)
    except msgspec.ValidationError:
        # A server that counts its tokens in a way of its own has answered all the same.
        return _Completion(choices=_decode_choices(body).choices)


def _gathered(events: bytes) -> _Completion:
    """Puts a completion together from the events in which it came."""
    text: list[str] = []
    refusal: list[str] = []
    finish: str | None = None
    logprobs: _Logprobs | None = None
    usage: _Usage | None = None
    for line in events.splitlines():
        if not line.startswith(b"data:") or line.strip() == b"data: [DONE]":
            continue
        event = _decode_event(line[len(b"data:") :])
        usage = event.usage or usage
        for choice in event.choices[:1]:
            text.append(_said(choice.delta))
            refusal.append(choice.delta.refusal or "")
            finish = choice.finish_reason or finish
            # Only the first token's alternatives are read.
            logprobs = logprobs or choice.logprobs
    if finish is None:
        raise msgspec.ValidationError("the stream ended before its end")
    message = _Message(content="".join(text), refusal="".join(refusal) or None)
    return _Completion(choices=(_Choice(message=message, finish_reason=finish, logprobs=logprobs),), usage=usage)


def _finish(choice: _Choice) -> Literal["stop", "length", "refused"]:
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return "refused"
    return "length" if choice.finish_reason == "length" else "stop"


def _said(message: _Message) -> str:
    """What was said, in one piece or in several, of which the last text is the answer."""
    if isinstance(message.content, tuple):
        return next((piece.text for piece in reversed(message.content) if piece.text is not None), "")
    return message.content or ""


def _without_thought(text: str) -> str:
    """Drops the thinking at the start of a reply; a thought that was cut off leaves nothing."""
    if "think>" not in text:
        return text
    if text.lstrip().startswith(_THINK):
        return text.partition(_THOUGHT)[2].lstrip()
    # Some chat templates open the thought in the prompt, and only its end is in the reply.
    thought, end, answer = text.rpartition(_THOUGHT)
    opened_before = end and not thought.lstrip().startswith("{") and answer.lstrip().startswith(("{", "```"))
    return answer.lstrip() if opened_before else text


def _first_token(logprobs: _Logprobs) -> tuple[tuple[str, float], ...] | None:
    if not logprobs.content:
        return None
    alternatives = [(t.token, t.logprob) for t in logprobs.content[0].top_logprobs or () if t.logprob is not None]
    return tuple(sorted(alternatives, key=lambda pair: pair[1], reverse=True)) or None
