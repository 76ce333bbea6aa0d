"""Stands in for a model in a plan: counts what it is asked, and answers out of thin air, undecided.

Its answers are in the form that each question asks for, so that nothing is asked a second time. They mean nothing
and must not be kept.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import msgspec

from dikast.judges.preference import candidates_in
from dikast.judges.priming import WORTH_CACHING
from dikast.models.base import Choice, ModelClient, Reply, Request
from dikast.models.decisions import MOST_QUESTIONS
from dikast.models.http import CHARACTERS_PER_TOKEN

BLOCK = WORTH_CACHING // 8
"""Characters by which a server's cache grows: about the 128 tokens of those that say."""
LOCAL_BLOCK = 16
"""llama.cpp takes over any length, token by token; four are near enough."""

_WORDS = ("Yes", "No", "A", "B", *map(str, range(10)))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one model was asked, in all. Whole numbers, until a part of it is taken."""

    model: str
    requests: int = 0
    calls: float = 0.0
    """What the server sees: a request of more questions than it takes at once is several calls."""
    prompt_tokens: float = 0.0
    cached_tokens: float = 0.0
    completion_tokens: float = 0.0

    def times(self, factor: float) -> Asked:
        """So many times of it."""
        return msgspec.structs.replace(
            self,
            calls=self.calls * factor,
            prompt_tokens=self.prompt_tokens * factor,
            cached_tokens=self.cached_tokens * factor,
            completion_tokens=self.completion_tokens * factor,
        )


class StandIn:
    """A model client with another's name, fingerprint and abilities."""

    def __init__(self, model: ModelClient, *, share: float) -> None:
        """`share` of the tokens that a request allows is what its answer is taken to have."""
        self.name = model.name
        self.fingerprint = model.fingerprint
        self.capabilities = model.capabilities
        self.asked = Asked(model=model.name)
        self._share = share
        self._cache = PrefixCache(alone=in_process(model.name))
        self._places = asyncio.Semaphore(max(1, model.capabilities.concurrency))

    async def reply(self, request: Request) -> Reply:
        """Makes an answer up."""
        async with self._places:
            prompt = prompt_of(request)
            self._count(request, prompt)
            # Whoever asks side by side with this one finds nothing of it in the cache yet.
            await asyncio.sleep(0)
            self._cache.add(prompt)
        return made_up(request)

    async def close(self) -> None:
        """Holds nothing."""

    def _count(self, request: Request, prompt: str) -> None:
        calls = max(1, math.ceil(len(_choices(request)) / MOST_QUESTIONS))
        # A decision model writes nothing.
        written = 0.0 if _choices(request) else 1.0 if request.max_tokens == 1 else self._share * request.max_tokens
        # Every part of a request that is taken apart has the whole input before it.
        characters = len(prompt) + (calls - 1) * sum(len(message.content) for message in request.messages)
        so_far = self.asked
        self.asked = msgspec.structs.replace(
            so_far,
            requests=so_far.requests + 1,
            calls=so_far.calls + calls,
            prompt_tokens=so_far.prompt_tokens + characters / CHARACTERS_PER_TOKEN,
            cached_tokens=so_far.cached_tokens + self._cache.shared(prompt) / CHARACTERS_PER_TOKEN,
            completion_tokens=so_far.completion_tokens + calls * written,
        )


def in_process(model: str) -> bool:
    """Whether a model runs in this process, through llama.cpp."""
    return model.startswith("local:")


class PrefixCache:
    """A server's prefix cache: every prompt, in blocks; or llama.cpp's (`alone`): the last prompt, almost to the token.

    Prompts stay in it for ever; a server forgets them after some minutes, and a group is asked in less.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._block, self._least = (LOCAL_BLOCK, 0) if alone else (BLOCK, WORTH_CACHING)
        self._held: set[int] = set()

    def shared(self, prompt: str) -> int:
        """Characters at the start of a prompt that are there already."""
        count = 0
        for prefix in self._prefixes(prompt):
            if prefix not in self._held:
                break
            count += self._block
        return count if count >= self._least else 0

    def add(self, prompt: str) -> None:
        """Takes a prompt in."""
        if self._alone:
            self._held.clear()
        self._held.update(self._prefixes(prompt))

    def _prefixes(self, prompt: str) -> list[int]:
        """The hash of each prefix that ends with a whole block."""
        hashes: list[int] = []
        before = 0
        for end in range(self._block, len(prompt) + 1, self._block):
            before = hash((before, prompt[end - self._block : end]))
            hashes.append(before)
        return hashes


def prompt_of(request: Request) -> str:
    """All that a request has the model read, in order."""
    asked = [text for one in _choices(request) for text in (one.ask, *one.labels, *one.meanings)]
    return "\n".join([*(message.content for message in request.messages), *asked])


def made_up(request: Request) -> Reply:
    """An answer in the form that the request asks for: both answers alike, a tie, no, the lowest level."""
    if choices := _choices(request):
        return Reply(
            text="", chosen=tuple(tuple((label, 1 / len(one.labels)) for label in one.labels) for one in choices)
        )
    if request.top_logprobs:
        # Which words are offered stands in the prompt alone, so every one of them is as likely as any other.
        return Reply(text="", first_token=tuple((word, math.log(0.5)) for word in _WORDS))
    if request.form is None:
        return Reply(text="")
    return Reply(text=msgspec.json.encode(_filled(request.form.schema, request)).decode())


def _filled(schema: dict[str, Any], request: Request) -> Any:
    if "enum" in schema:
        offered = cast("list[Any]", schema["enum"])
        return next((word for word in ("no", "tie") if word in offered), offered[0])
    match schema.get("type"):
        case "object":
            fields = cast("dict[str, dict[str, Any]]", schema["properties"])
            return {name: _filled(field, request) for name, field in fields.items()}
        case "array":
            return list(range(1, candidates_in(request) + 1))
        case _:
            return ""


def _choices(request: Request) -> tuple[Choice, ...]:
    return request.choices if isinstance(request.choices, tuple) else ()
