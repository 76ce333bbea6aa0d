"""Reads what a chat turn says."""

from __future__ import annotations

from typing import Any


def text_of(content: Any) -> str:
    """Gives the text of a turn: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
