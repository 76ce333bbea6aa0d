"""Asks a model through the journal. The one place where a failed request becomes a `Missing`."""

from __future__ import annotations

import asyncio

import msgspec

from dikast.errors import ModelError
from dikast.journal import Journal, question_key
from dikast.models.base import ModelClient, Reply, Request
from dikast.records import Missing, Usage

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_reply = msgspec.json.Decoder(Reply).decode


class Asker:
    """One model with one journal. Equal questions under way at once are asked once."""

    def __init__(self, model: ModelClient, journal: Journal) -> None:
        self.model = model
        self.journal = journal
        self._under_way: dict[bytes, asyncio.Future[Reply | Missing]] = {}

    async def ask(self, request: Request, *, repeat: int = 0) -> tuple[Reply | Missing, Usage]:
        """Gives the reply and what it cost now: nothing, where the journal or an equal question had it."""
        raw = _encode(request)
        key = question_key(raw, model=self.model.name, fingerprint=self.model.fingerprint, repeat=repeat)
        if (kept := self.journal.answer(key)) is not None:
            return _decode_reply(kept), Usage(questions=1)
        while (under_way := self._under_way.get(key)) is not None:
            try:
                return await asyncio.shield(under_way), Usage(questions=1)
            except asyncio.CancelledError:
                if not under_way.cancelled() or _cancelled_itself():
                    raise
                # Only the one who asked was stopped: the question is still to be asked.
        future: asyncio.Future[Reply | Missing] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        try:
            outcome = await self._reply(request)
            if isinstance(outcome, Reply):
                self.journal.keep(key, model=self.model.name, request=raw, reply=_encode(outcome))
            future.set_result(outcome)
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._under_way[key]
        return outcome, _cost(outcome)

    async def _reply(self, request: Request) -> Reply | Missing:
        try:
            return await self.model.reply(request)
        except ModelError as error:
            return Missing(error.reason, error.detail)


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
