"""What the page asks: where to begin, one unit, an answer to keep, the labels file.

Under `/{token}/` stand the page, review.js, review.css and

- `GET api/about`: the reward's name and criteria, and whom the command line named.
- `GET api/start?annotator=NAME`: the first unit that NAME has not answered whole.
- `GET api/unit?annotator=NAME&at=N`: the unit at a place.
- `POST api/answer` with `{annotator, unit, criterion, answer: true | false | "n/a" | null}`: keeps an answer.
- `POST api/export` with `{}`: writes the labels file.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from dikast.certify.labels import Vote
from dikast.errors import UnavailableError, UsageError
from dikast.web.review.session import Page, Progress, Review, annotator_named
from dikast.web.serving import application, asset

EXPORT_EVERY = 10
"""Answers after which the labels file is written anew."""

T = TypeVar("T")


class Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer as the page sends it."""

    annotator: str
    unit: str
    criterion: str
    answer: Vote | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion as people read it."""

    id: str
    ask: str
    yes: str | None
    no: str | None
    na: bool


class AboutReview(msgspec.Struct, frozen=True, kw_only=True):
    """What is labelled here."""

    reward: str
    objective: str
    criteria: Sequence[Asked]
    annotator: str | None
    """Whom the command line named."""
    unseen: Sequence[str]
    """Names of the documents that people see and the judge does not."""
    output: str
    judged: bool


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the page draws."""

    page: Page
    progress: Progress


def review_app(review: Review, token: str, *, annotator: str | None = None) -> web.Application:
    """Puts the page of a review together."""
    asks = _Routes(review, annotator)
    app = application(token)
    for path, name in (("", "review.html"), ("review.js", "review.js"), ("review.css", "review.css")):
        app.router.add_get(f"/{token}/{path}", asset("dikast.web.review.page", name))
    app.router.add_get(f"/{token}/api/about", asks.about)
    app.router.add_get(f"/{token}/api/start", asks.start)
    app.router.add_get(f"/{token}/api/unit", asks.unit)
    app.router.add_post(f"/{token}/api/answer", asks.answer)
    app.router.add_post(f"/{token}/api/export", asks.export)
    return app


class _Routes:
    """The handlers. An answer is written before the next request is looked at: a few people wait milliseconds for the disk."""

    def __init__(self, review: Review, annotator: str | None) -> None:
        self.review = review
        self.annotator = annotator
        self.since_export = 0

    async def about(self, _request: web.Request) -> web.Response:
        file = self.review.spec.file
        seen = file.inputs if file.judge.inputs is None else file.judge.inputs
        return _json(
            AboutReview(
                reward=file.name,
                objective=file.objective.strip(),
                criteria=[
                    Asked(id=c.id, ask=c.ask.strip(), yes=c.pass_, no=c.fail, na=c.na) for c in self.review.criteria
                ],
                annotator=self.annotator,
                unseen=[name for name in file.inputs if name not in seen],
                output=self.review.output.name,
                judged=self.review.judged > 0,
            )
        )

    async def start(self, request: web.Request) -> web.Response:
        name = _annotator(request)
        return self._state(name, self.review.start(name))

    async def unit(self, request: web.Request) -> web.Response:
        at = request.query.get("at", "")
        if not (at.isascii() and at.isdecimal() and len(at) < 10):
            raise UsageError("'at' must be the place of a unit, counted from 0")
        return self._state(_annotator(request), int(at))

    async def answer(self, request: web.Request) -> web.Response:
        sent = await _body(request, Sent)
        name = annotator_named(sent.annotator)
        self.review.answer(name, sent.unit, sent.criterion, sent.answer)
        self.since_export += 1
        if self.since_export >= EXPORT_EVERY:
            # The answer is kept; that the labels file cannot be written is told to whoever asks for it.
            with suppress(UnavailableError):
                self._write()
        return self._state(name, self.review.place_of(sent.unit))

    async def export(self, request: web.Request) -> web.Response:
        await _body(request, dict[str, str])
        return _json({"rows": self._write(), "output": self.review.output.name})

    def _write(self) -> int:
        self.since_export = 0
        return self.review.export()

    def _state(self, name: str, at: int) -> web.Response:
        return _json(State(page=self.review.page(name, at), progress=self.review.progress(name)))


def _annotator(request: web.Request) -> str:
    return annotator_named(request.query.get("annotator", ""))


async def _body(request: web.Request, into: type[T]) -> T:
    # Another site's page can send a form here, but no JSON without being asked by the browser first.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return msgspec.json.decode(await request.read(), type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"not what the page sends ({error})") from None


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
