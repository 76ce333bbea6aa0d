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
from dikast.models.base import Capabilities, ModelClient, Reply, Request
from dikast.records import Missing, Usage

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_reply = msgspec.json.Decoder(Reply).decode

Heard = Callable[[str, Reply], None]
"""Is told the model and its reply."""

_hearing: ContextVar[Heard | None] = ContextVar("hearing", default=None)

_EXPIRED = Missing("expired", "the batch's deadline came first")


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
        self._under_way: dict[bytes, asyncio.Future[Reply | Missing]] = {}

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
        outcome, usage = await self._ask(request, repeat, until)
        if isinstance(outcome, Reply) and (heard := _hearing.get()) is not None:
            heard(self.name, outcome)
        return outcome, usage

    async def _ask(self, request: Request, repeat: int, until: float | None) -> tuple[Reply | Missing, Usage]:
        raw = _encode(request)
        key = question_key(
            raw, model=self.model.name, fingerprint=self.model.fingerprint, repeat=repeat, epoch=self._epoch
        )
        if (kept := self.journal.answer(key)) is not None:
            return _decode_reply(kept), Usage(questions=1)
        if _is_over(until):
            return _EXPIRED, Usage(questions=1)
        if until is None:
            return await self._ask_or_wait(request, raw, key)
        try:
            async with asyncio.timeout_at(until):
                return await self._ask_or_wait(request, raw, key)
        except TimeoutError:
            if not _is_over(until):
                raise
            return _EXPIRED, Usage(questions=1)

    async def _ask_or_wait(self, request: Request, raw: bytes, key: bytes) -> tuple[Reply | Missing, Usage]:
        at_most = 0.0
        if self.budget.most_usd is not None:
            at_most = self.budget.at_most(self.name, size=len(raw), max_tokens=request.max_tokens)
            await self.budget.room(at_most)
            if (kept := self.journal.answer(key)) is not None:
                # An equal question was answered meanwhile.
                return _decode_reply(kept), Usage(questions=1)
        while (under_way := self._under_way.get(key)) is not None:
            try:
                return await asyncio.shield(under_way), Usage(questions=1)
            except asyncio.CancelledError:
                if not under_way.cancelled() or _cancelled_itself():
                    raise
                # Only the one who asked was stopped: the question is still to be asked.
        if not self.budget.take(at_most):
            return Missing("over_budget", self.budget.spent_what), Usage(questions=1)
        outcome: Reply | Missing
        future: asyncio.Future[Reply | Missing] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        try:
            try:
                outcome = await self.model.reply(request)
            except ModelError as error:
                outcome = Missing(error.reason, error.detail)
            else:
                self.journal.keep_soon(Answered(key=key, model=self.name, request=raw, reply=_encode(outcome)))
        except BaseException:
            self.budget.settle(None, self.name)
            future.cancel()
            raise
        finally:
            del self._under_way[key]
        self.budget.settle(outcome, self.name)
        future.set_result(outcome)
        return outcome, _cost(outcome)


def _is_over(until: float | None) -> bool:
    return until is not None and asyncio.get_running_loop().time() >= until


def _cost(outcome: Reply | Missing) -> Usage:
    if isinstance(outcome, Missing):
        return Usage(questions=1, asked=1)
    return Usage(
        questions=1,
        asked=1,
        prompt_tokens=outcome.prompt_tokens,
        cached_tokens=outcome.cached_tokens,
        completion_tokens=outcome.completion_tokens,
        seconds=outcome.seconds,
    )


def _cancelled_itself() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
