"""Answers from a journal, and asks nobody: a replay.

    model = RecordedModel("recorded:run/journal.db", path)

A request that was never asked is `rejected`, with what to do. Whoever answered it then, answers it now:
where several models did, the journal does not say which one is wanted, and it is refused when it is opened.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from dikast.errors import ConfigError, ModelError
from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply, Request, request_bytes

CONCURRENCY = 256
"""Requests at once; nothing waits for anything."""


class _Asked(msgspec.Struct, frozen=True):
    """Of a request that was answered, what tells which kind of model answered it."""

    top_logprobs: int = 0
    choices: tuple[msgspec.Raw, ...] | None = None


class RecordedModel:
    """The replies of one model, from a journal."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        if not path.is_file():
            raise ConfigError(f"{name}: no such file {path}; name a journal (.db) or a file of verdicts (.jsonl)")
        self._journal = Journal.open(path)
        models = [one.model for one in self._journal.models()]
        if len(models) != 1:
            self._journal.close()
            raise ConfigError(
                f"{name}: {path} holds answers of {len(models)} models ({', '.join(models)}); one is needed"
            )
        self.fingerprint = f"{models[0]} as recorded"
        asked = msgspec.json.decode(self._journal.first_request(), type=_Asked)
        logprobs, decisions = asked.top_logprobs > 0, asked.choices is not None
        writes = not (logprobs or decisions)
        self.capabilities = Capabilities(
            logprobs=logprobs,
            decisions=decisions,
            quote=writes,
            reason=writes,
            na=not logprobs,
            concurrency=CONCURRENCY,
        )

    async def reply(self, request: Request) -> Reply:
        """Gives what was answered then. Raises `ModelError` ("rejected") for what was never asked."""
        raw = request_bytes(request)
        reply = self._journal.reply_to(raw)
        if reply is None:
            raise ModelError("rejected", f"{self.name} holds no answer to this question; ask the model itself")
        return msgspec.json.decode(reply, type=Reply)

    async def close(self) -> None:
        """Closes the journal."""
        self._journal.close()
