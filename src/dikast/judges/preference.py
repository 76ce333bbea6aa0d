"""The preference judge: says which of two candidates is the better one, or ranks a few.

Which candidate is shown first is the caller's choice; the judge only says what it sees. With
log-probabilities a duel's outcome is P(first); a decision model gives the same; any other says first,
second or tie. A model that writes can also rank a whole group in one request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from dikast.errors import ConfigError
from dikast.judges.again import asked_again
from dikast.judges.ask import Asker
from dikast.judges.fence import fenced, shown
from dikast.judges.read import read_first_token, shares, the_object
from dikast.judges.render import fill, system_message
from dikast.judges.rubric import TOP_LOGPROBS
from dikast.models.base import Choice, Form, Reply, Request
from dikast.records import Message, Missing, Usage, Verdict

T = TypeVar("T")

FIRST, SECOND, TIE = "a", "b", "tie"
TOKENS_PER_DUEL = 224
TOKENS_PER_RANK = 96
TOKENS_FOR_REASON = 128

_VALUES = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}


class PreferenceJudge(msgspec.Struct, frozen=True, kw_only=True):
    """An objective and what is preferred, put to one model."""

    asker: Asker
    objective: str
    prefer: str
    temperature: float = 0.0

    async def duel(
        self,
        documents: tuple[tuple[str, str], ...],
        first: str,
        second: str,
        *,
        repeat: int = 0,
        until: float | None = None,
    ) -> tuple[Verdict | Missing, Usage]:
        """Gives the share that the first candidate wins: 1, 0, ½ for a tie, or a probability."""
        return await self._read(self._duel_request(documents, first, second), self._read_duel, repeat, until)

    async def rank(
        self,
        documents: tuple[tuple[str, str], ...],
        candidates: Sequence[str],
        *,
        repeat: int = 0,
        until: float | None = None,
    ) -> tuple[list[int] | Missing, Usage]:
        """Gives the candidates' positions from the best to the worst. A ranking that leaves one out is no ranking."""
        request = self._rank_request(documents, candidates)
        return await self._read(
            request, lambda reply, seen: read_ranking(reply, len(candidates), seen=seen), repeat, until
        )

    async def close(self) -> None:
        """Lets go of the model."""
        await self.asker.close()

    async def _read(
        self, request: Request, read: Callable[[Reply, str], T | Missing], repeat: int, until: float | None
    ) -> tuple[T | Missing, Usage]:
        """Asks and reads; what a model wrote and nobody can read is asked once more."""
        reply, usage = await self.asker.ask(request, repeat=repeat, until=until)
        if isinstance(reply, Missing):
            return reply, usage
        seen = request.messages[-1].content
        outcome = read(reply, seen)
        if not isinstance(outcome, Missing) or request.form is None or outcome.reason == "refused":
            return outcome, usage
        second, cost = await self.asker.ask(asked_again(request, reply, outcome.detail), repeat=repeat, until=until)
        return (read(second, seen) if isinstance(second, Reply) else outcome), usage + cost

    def _duel_request(self, documents: tuple[tuple[str, str], ...], first: str, second: str) -> Request:
        can = self.asker.capabilities
        text = _candidates_text(documents, [(FIRST.upper(), first), (SECOND.upper(), second)])
        system = system_message(self.objective)
        prefer = self.prefer.strip()
        if can.decisions:
            question = Choice(name="better", ask=fill("prefer", {"prefer": prefer}), labels=(FIRST, SECOND))
            return Request(messages=(system, Message(role="user", content=text)), max_tokens=1, choices=(question,))
        if can.logprobs:
            question = fill("duel", {"prefer": prefer})
            messages = (system, Message(role="user", content=f"{text}\n\n{question}"))
            return Request(messages=messages, max_tokens=1, temperature=self.temperature, top_logprobs=TOP_LOGPROBS)
        instruction = fill("duel_structured", {"prefer": prefer})
        messages = (
            Message(role="system", content=f"{system.content}\n\n{instruction}"),
            Message(role="user", content=text),
        )
        return Request(messages=messages, max_tokens=TOKENS_PER_DUEL, temperature=self.temperature, form=_DUEL_FORM)

    def _read_duel(self, reply: Reply, seen: str) -> Verdict | Missing:
        if reply.finish == "refused":
            return Missing("refused", reply.text[:200])
        can = self.asker.capabilities
        if can.decisions:
            held = dict(reply.chosen[0]) if isinstance(reply.chosen, tuple) and reply.chosen else {}
            if not held:
                return Missing("refused", "the model declined to compare")
            share = shares({name: held.get(name, 0.0) for name in (FIRST, SECOND)}, of="the probability")
            return share if isinstance(share, Missing) else Verdict(value=share[FIRST])
        if can.logprobs:
            share = read_first_token(reply, (FIRST, SECOND))
            return share if isinstance(share, Missing) else Verdict(value=share[FIRST])
        return read_duel(reply, seen=seen)

    def _rank_request(self, documents: tuple[tuple[str, str], ...], candidates: Sequence[str]) -> Request:
        text = _candidates_text(documents, [(str(at), one) for at, one in enumerate(candidates, start=1)])
        instruction = fill("rank", {"prefer": self.prefer.strip()})
        messages = (
            Message(role="system", content=f"{system_message(self.objective).content}\n\n{instruction}"),
            Message(role="user", content=text),
        )
        return Request(
            messages=messages,
            max_tokens=TOKENS_PER_RANK * len(candidates) + TOKENS_FOR_REASON,
            temperature=self.temperature,
            form=_RANK_FORM,
        )


def read_duel(reply: Reply, *, seen: str = "") -> Verdict | Missing:
    """Reads who is better from a JSON reply: the first candidate (1), the second (0) or neither (½)."""
    found = the_object(reply.text, holding="better", cut=reply.finish == "length", seen=seen)
    if found is None:
        return Missing("truncated" if reply.finish == "length" else "unparsable", reply.text[:200])
    said = found["better"]
    word = said.strip().casefold() if isinstance(said, str) else ""
    if word not in _VALUES:
        return Missing("unparsable", f"'better' is answered with {word[:40]!r}")
    reason = found.get("reason")
    return Verdict(
        value=_VALUES[word], reason=reason.encode("utf-8", "replace").decode() if isinstance(reason, str) else None
    )


def read_ranking(reply: Reply, candidates: int, *, seen: str = "") -> list[int] | Missing:
    """Reads the candidates' positions, best first, from a JSON reply with their numbers."""
    if reply.finish == "refused":
        return Missing("refused", reply.text[:200])
    found = the_object(reply.text, holding="ranking", cut=reply.finish == "length", seen=seen)
    if found is None:
        return Missing("truncated" if reply.finish == "length" else "unparsable", reply.text[:200])
    listed = cast("list[Any]", found["ranking"]) if isinstance(found["ranking"], list) else []
    # True is an int too, and is no place in a ranking.
    places = [at for at in listed if type(at) is int]
    if len(places) < len(listed) or sorted(places) != list(range(1, candidates + 1)):
        return Missing("unparsable", f"the ranking does not name each of {candidates} candidates once")
    return [at - 1 for at in places]


def candidates_in(request: Request) -> int:
    """How many candidates a request for a ranking shows: its room for the answer is measured by them."""
    return (request.max_tokens - TOKENS_FOR_REASON) // TOKENS_PER_RANK


def check_can_compare(model: str, *, writes: bool, compare: str | None) -> None:
    """Raises `ConfigError` where a model that only gives probabilities is to rank a group."""
    if compare == "listwise" and not writes:
        raise ConfigError(
            f"judge.compare: listwise needs a model that writes, and {model} only gives probabilities; "
            "use swiss or round_robin"
        )


def _candidates_text(documents: tuple[tuple[str, str], ...], candidates: Sequence[tuple[str, str]]) -> str:
    shown_documents = "".join(f"# {name}\n{shown(text).strip()}\n\n" for name, text in documents)
    return shown_documents + "\n\n".join(
        f"# Candidate {label}\n{fenced(shown(text).strip())}" for label, text in candidates
    )


_DUEL_FORM = Form(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "better": {"type": "string", "enum": ["A", "B", "tie"]}},
        "required": ["reason", "better"],
        "additionalProperties": False,
    }
)
_RANK_FORM = Form(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "ranking": {"type": "array", "items": {"type": "integer"}}},
        "required": ["reason", "ranking"],
        "additionalProperties": False,
    }
)
