"""A reward server on a real socket of this process, with a scripted model for its judge."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from served_reward import PLAIN

from dikast.journal import Journal
from dikast.serve.app import RewardServer
from dikast.serve.opening import Place, Rewards
from dikast.serve.settings import Settings


class Running:
    """A running server, and how it is asked."""

    def __init__(self, server: RewardServer, listening: TestServer, model: Any, said: list[str]) -> None:
        self.server = server
        self.model = model
        self.said = said
        self.url = str(listening.make_url("/")).rstrip("/")

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        status, told, _ = await self.ask("POST", path, body, **headers)
        return status, told

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            ClientSession() as client,
            client.request(method, self.url + path, data=data, headers=sent) as answer,
        ):
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(text) if is_json else text, answer.headers


Serving = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serving(reward_file: Callable[..., Path], tmp_path: Path) -> AsyncIterator[Serving]:
    """Starts servers, and ends them after the test."""
    running: list[tuple[TestServer, Rewards]] = []

    async def start(
        model: Any, *texts: str, paths: Sequence[Path] = (), journal: Path | None = None, **settings: Any
    ) -> Running:
        for at, text in enumerate(texts or ([] if paths else [PLAIN])):
            folder = tmp_path / f"reward-{len(running)}-{at}"
            folder.mkdir()
            (folder / "reward.yaml").write_text(text, "utf-8")
            paths = [*paths, folder / "reward.yaml"]
        chosen = Settings(**settings)
        rewards = Rewards(Journal.open(journal), on_missing=chosen.on_missing, opening=lambda _name, _folder: model)
        for path in paths:
            rewards.add(Place(reward=path))
        said: list[str] = []
        server = RewardServer(chosen, rewards, said.append)
        listening = TestServer(server.app, host="127.0.0.1")
        await listening.start_server()
        running.append((listening, rewards))
        return Running(server, listening, model, said)

    yield start
    for listening, rewards in running:
        await listening.close()
        await rewards.close()
