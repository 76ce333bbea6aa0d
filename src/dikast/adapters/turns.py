"""Reads what trainers pass: chats with their many forms of content, and numpy's values in place of Python's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dikast.records import Message


def messages_of(turns: Iterable[Any]) -> tuple[Message, ...]:
    """Gives chat turns. Raises `msgspec.ValidationError` for what has no role.

    Of a turn in parts the texts count; one without content, as a call of a tool has none, is empty.
    """
    read = [{**turn, "content": text_of(turn.get("content"))} if isinstance(turn, Mapping) else turn for turn in turns]
    return msgspec.convert(read, tuple[Message, ...])


def text_of(content: Any) -> str:
    """Gives the text of a turn: a string, or those of its parts that are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else []
    texts = (part.get("text") for part in parts if isinstance(part, Mapping))
    return "".join(text for text in texts if isinstance(text, str))


def plain(value: Any) -> Any:
    """Gives Python's own values for those of numpy, OmegaConf and Arrow, all the way down."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
