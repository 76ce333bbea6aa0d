"""Finds the form in which a server takes the wish for a reply of a given shape, and remembers it.

    formats = Formats(("json_schema", "json_object", "none"))
    reply = await formats.ask(lambda form: post(body_in(form)))

Until the server has taken one, a refused request may mean its form and not its content: the next form is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from dikast.errors import ModelError
from dikast.models.base import Reply

F = TypeVar("F")


class BadRequestError(ModelError):
    """The server refused the body: its content, or the form that it asks for."""


class Formats(Generic[F]):
    """The forms that a server may know, best first, and the one that this server takes."""

    def __init__(self, formats: Sequence[F]) -> None:
        self._formats = tuple(formats)
        self._taken: F | None = None

    def ask(self, ask: Callable[[F], Coroutine[Any, Any, Reply]]) -> Coroutine[Any, Any, Reply]:
        """Gives the reply in the best form that is taken. Raises `BadRequestError` where none is."""
        return self._find(ask) if self._taken is None else ask(self._taken)

    async def _find(self, ask: Callable[[F], Coroutine[Any, Any, Reply]]) -> Reply:
        form = self._formats[0]
        while True:
            try:
                reply = await ask(form)
            except BadRequestError:
                if (following := self._after(form)) is None:
                    raise
                form = following
            else:
                self._take(form)
                return reply

    def _take(self, form: F) -> None:
        # The best that was ever taken stands: a worse one may have been tried for a content that was refused.
        if self._taken is None or self._formats.index(form) < self._formats.index(self._taken):
            self._taken = form

    def _after(self, refused: F) -> F | None:
        if self._taken is not None:
            # Another request found it meanwhile; what is refused in that form is refused for its content.
            return None if refused == self._taken else self._taken
        at = self._formats.index(refused) + 1
        return self._formats[at] if at < len(self._formats) else None
