"""Writes an answer of Converse as its streaming twin would send it, for judges on this machine.

A message is its length, its headers' length, a checksum of the two, headers, payload, and a checksum of all that.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Literal

CONTENT_TYPE = "application/vnd.amazon.eventstream"
PATH = "/converse-stream"
"""How an address ends at which a stream is asked for."""

_TEXT = 7
"""The type of a header that is a text."""


def events_of(answer: dict[str, Any]) -> Iterator[bytes]:
    """Gives the events that an answer of texts comes in."""
    yield event("messageStart", {"role": "assistant"})
    for at, block in enumerate(answer["output"]["message"]["content"]):
        yield event("contentBlockDelta", {"contentBlockIndex": at, "delta": {"text": block["text"]}})
        yield event("contentBlockStop", {"contentBlockIndex": at})
    yield event("messageStop", {"stopReason": answer["stopReason"]})
    yield event("metadata", {"usage": answer["usage"], "metrics": answer["metrics"]})


def event(name: str, payload: Any, *, kind: Literal["event", "exception"] = "event") -> bytes:
    """One message with a payload of JSON."""
    headers = b"".join(
        _header(*pair)
        for pair in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind))
    )
    return message(headers, json.dumps(payload).encode())


def message(headers: bytes, payload: bytes) -> bytes:
    """Frames headers that are written already, and a payload."""
    lengths = struct.pack(">II", 12 + len(headers) + len(payload) + 4, len(headers))
    framed = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return framed + struct.pack(">I", zlib.crc32(framed))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT, len(value)) + value.encode()
