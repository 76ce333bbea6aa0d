"""Asks a model through the journal. The one place where a failed request becomes a `Missing`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from dikast.errors import ModelError
from dikast.journal import Answered, Journal, question_key
from dikast.judges.budget import Budget
from dikast.models.base import Capabilities, ModelClient, Reply, Request, request_bytes
from dikast.records import Missing, Usage

_encode_reply = msgspec.json.Encoder(order="deterministic").encode
_decode_reply = msgspec.json.Decoder(Reply).decode

Heard = Callable[[str, Reply], None]
"""Is told the model and its reply."""

_hearing: ContextVar[Heard | None] = ContextVar("hearing", default=None)

EXPIRED = Missing("expired", "the batch's deadline came first")
_NOT_ASKED = Usage(questions=1)


@contextmanager
def hearing(heard: Heard | None) -> Generator[None]:
    """Tells of every reply in this context, those of the journal too: what an answer takes, however it is had this time."""
    token = _hearing.set(heard)
    try:
        yield
    finally:
        _hearing.reset(token)


class Asker:
    """One model with one journal. Equal questions under way at once are asked once."""

    def __init__(self, model: ModelClient, journal: Journal, *, budget: Budget | None = None, epoch: int = 0) -> None:
        self.model = model
        self.journal = journal
        self.budget = budget or Budget()
        self._epoch = epoch
        self._under_way: dict[bytes, list[asyncio.Future[Reply | Missing | None]]] = {}
        """By the key of each question those who wait for its answer; None tells them that nobody asks it any more."""

    @property
    def name(self) -> str:
        """The model."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """What tells the model from another under the same name."""
        return self.model.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return self.model.capabilities

    async def close(self) -> None:
        """Lets go of the model. The journal stays open."""
        await self.model.close()

    async def ask(
        self, request: Request, *, repeat: int = 0, until: float | None = None
    ) -> tuple[Reply | Missing, Usage]:
        """Gives the reply and what it cost now: nothing, where the journal or an equal question had it.

        After `until`, in seconds of the event loop's clock, it is missing as `expired`.
        """
        raw = request_bytes(request)
        model = self.model
        key = question_key(raw, model=model.name, fingerprint=model.fingerprint, repeat=repeat, epoch=self._epoch)
        outcome: Reply | Missing
        if (kept := self.journal.answer(key)) is not None:
            outcome, usage = _decode_reply(kept), _NOT_ASKED
        elif until is None:
            outcome, usage = await self._ask_or_wait(request, raw, key)
        else:
            outcome, usage = await self._ask_until(until, request, raw, key)
        if (heard := _hearing.get()) is not None and isinstance(outcome, Reply):
            heard(model.name, outcome)
        return outcome, usage

    async def _ask_until(self, until: float, request: Request, raw: bytes, key: bytes) -> tuple[Reply | Missing, Usage]:
        if _is_over(until):
            return EXPIRED, _NOT_ASKED
        try:
            async with asyncio.timeout_at(until):
                return await self._ask_or_wait(request, raw, key)
        except TimeoutError:
            if not _is_over(until):
                raise
            return EXPIRED, _NOT_ASKED

    async def _ask_or_wait(self, request: Request, raw: bytes, key: bytes) -> tuple[Reply | Missing, Usage]:
        at_most = 0.0
        if self.budget.most_usd is not None:
            at_most = self.budget.at_most(self.name, size=len(raw), max_tokens=request.max_tokens)
            await self.budget.room(at_most)
            if (kept := self.journal.answer(key)) is not None:
                # An equal question was answered meanwhile.
                return _decode_reply(kept), _NOT_ASKED
        while (waiting := self._under_way.get(key)) is not None:
            turn: asyncio.Future[Reply | Missing | None] = asyncio.get_running_loop().create_future()
            waiting.append(turn)
            if (told := await turn) is not None:
                return told, _NOT_ASKED
            # Whoever asked was stopped: the question is still to be asked.
        if not self.budget.take(at_most):
            return Missing("over_budget", self.budget.spent_what), _NOT_ASKED
        waiting = self._under_way[key] = []
        outcome: Reply | Missing | None = None
        try:
            outcome = reply = await self.model.reply(request)
            self.journal.keep_soon(Answered(key, self.name, raw, _encode_reply(reply)))
            return reply, _cost(reply)
        except ModelError as error:
            outcome = missing = Missing(error.reason, error.detail)
            return missing, Usage(questions=1, asked=1)
        finally:
            del self._under_way[key]
            self.budget.settle(outcome, self.name)
            for turn in waiting:
                if not turn.done():
                    turn.set_result(outcome)


def _is_over(until: float) -> bool:
    return asyncio.get_running_loop().time() >= until


def _cost(reply: Reply) -> Usage:
    return Usage(
        questions=1,
        asked=1,
        prompt_tokens=reply.prompt_tokens,
        cached_tokens=reply.cached_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=reply.seconds,
    )
