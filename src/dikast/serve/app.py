"""The server's addresses.

- `POST /v1/score` and `POST /v1/rewards/NAME/score`: rollouts in, scores with status and parts out.
- `POST /openrlhf`, `/slime`, `/llamafactory`, `/nova`, `/verify`, and each under `/v1/rewards/NAME/`: the trainers' shapes.
- `GET /v1/rewards`, `GET /v1/rewards/NAME`: what is served; `POST /v1/rewards/NAME/reload` reads its files again.
- `GET /healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/docs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from dikast.serve.access import BEGAN, Door, Handler, read_body
from dikast.serve.backlog import Backlog
from dikast.serve.dialects import llamafactory, native, nemo_gym, nova, openrlhf, slime
from dikast.serve.dialects.base import Dialect
from dikast.serve.metrics import CONTENT_TYPE, Metrics
from dikast.serve.openapi import document
from dikast.serve.opening import Rewards
from dikast.serve.page import page
from dikast.serve.refusals import DrainingError
from dikast.serve.scoring import Scoring
from dikast.serve.settings import Settings

DIALECTS: tuple[Dialect, ...] = (openrlhf.DIALECT, slime.DIALECT, llamafactory.DIALECT, nova.DIALECT, nemo_gym.DIALECT)


class RewardServer:
    """A server put together: what it serves, how much is under way, and the application that answers."""

    def __init__(self, settings: Settings, rewards: Rewards, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.rewards = rewards
        self.tell = tell
        self.backlog = Backlog(settings)
        self.metrics = Metrics()
        self.door = Door(settings, self.backlog, self.metrics, tell)
        self._scoring = Scoring(settings, self.backlog, self.metrics)
        self._document = msgspec.json.encode(document([native.DIALECT, *DIALECTS]))
        self.app = self._application()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self.door.middleware()], client_max_size=self.settings.max_body)
        add = app.router
        add.add_post("/v1/score", self._answer(native.DIALECT))
        add.add_post("/v1/rewards/{name}/score", self._answer(native.DIALECT))
        for dialect in DIALECTS:
            add.add_post(f"/{dialect.name}", self._answer(dialect))
            add.add_post(f"/v1/rewards/{{name}}/{dialect.name}", self._answer(dialect))
        add.add_get("/v1/rewards", self._list)
        add.add_get("/v1/rewards/{name}", self._about)
        add.add_post("/v1/rewards/{name}/reload", self._reload)
        add.add_get("/healthz", self._healthy)
        add.add_get("/readyz", self._ready)
        add.add_get("/metrics", self._metrics)
        add.add_get("/openapi.json", self._openapi)
        add.add_get("/docs", self._docs)
        return app

    def _answer(self, dialect: Dialect) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            served = self.rewards.find(request.match_info.get("name"))
            body = await read_body(request, self.backlog, seconds=self.settings.deadline)
            told = await self._scoring.answer(dialect, served, body, request.query, began=request[BEGAN])
            return web.Response(body=told, content_type="application/json")

        return answer

    async def _list(self, _request: web.Request) -> web.Response:
        return _json({"rewards": [served.reward.about for served in self.rewards]})

    async def _about(self, request: web.Request) -> web.Response:
        return _json(self.rewards.find(request.match_info["name"]).reward.about)

    async def _reload(self, request: web.Request) -> web.Response:
        served = await self.rewards.reload(request.match_info["name"])
        self.tell(f"{served.name}: read again, reward {served.reward.hash[:12]}")
        return _json(served.reward.about)

    async def _healthy(self, _request: web.Request) -> web.Response:
        return _json({"status": "alive"})

    async def _ready(self, _request: web.Request) -> web.Response:
        if self.door.draining:
            raise DrainingError("the server is about to end")
        return _json({"status": "ready"})

    async def _metrics(self, _request: web.Request) -> web.Response:
        hashes = {served.name: served.reward.hash for served in self.rewards}
        text = self.metrics.text(self.backlog, self.rewards.budget, hashes)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _openapi(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def _docs(self, _request: web.Request) -> web.Response:
        text = page(msgspec.json.decode(self._document))
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=text, content_type="text/html", headers=headers)


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
