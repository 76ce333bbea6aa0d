"""Asks once more what could not be read: with more room where the reply was cut, else with what was wrong with it."""

from __future__ import annotations

import msgspec

from dikast.judges.render import fill
from dikast.models.base import Reply, Request
from dikast.records import Message

SHOWN_AGAIN = 4000
"""Characters of a reply that could not be used, as the model is shown it when it is asked once more."""


def asked_again(request: Request, reply: Reply, problem: str) -> Request:
    """Gives the second request. There is never a third."""
    if reply.finish == "length":
        return msgspec.structs.replace(request, max_tokens=2 * request.max_tokens)
    turns = (
        Message(role="assistant", content=reply.text[:SHOWN_AGAIN]),
        Message(role="user", content=fill("reask", {"problem": problem})),
    )
    return msgspec.structs.replace(request, messages=(*request.messages, *turns))
