"""What all tests share. Sockets are limited to loopback by pytest's options in pyproject.toml."""

import asyncio
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import settings
from running_server import JudgeServer

from dikast.journal import Journal
from dikast.judges.budget import Budget
from dikast.models.base import Capabilities, Reply, Request
from dikast.reward.assembly import Judges
from dikast.reward.parts import Reading
from dikast.reward.reward import Reward
from dikast.spec.reward import read_reward

# Before any test imports transformers: nothing here may ask a model hub.
os.environ["HF_HUB_OFFLINE"] = "1"

# The machine may be busy: how long an example takes says nothing about the code.
settings.register_profile("dikast", deadline=None)
settings.load_profile("dikast")

PROJECT = Path(__file__).parents[1]

Answer: TypeAlias = float | str | Reply | BaseException
"""What a scripted model says: P(yes), a text, a whole reply, or what it raises."""


class ScriptedModel:
    """Answers by a function of the request, or always the same, and remembers what it was asked.

    It yields to the loop before it answers, so that whoever asks side by side really does.
    """

    name = "scripted:judge"
    fingerprint = "f00d"

    def __init__(
        self,
        answer: Answer | Callable[[Request], Answer],
        *,
        logprobs: bool = True,
        quote: bool = False,
        concurrency: int = 1,
    ) -> None:
        self.answer = answer
        self.capabilities = Capabilities(
            logprobs=logprobs, quote=quote, reason=not logprobs, na=not logprobs, concurrency=concurrency
        )
        self.asked: list[Request] = []
        self.events: list[tuple[str, Request]] = []
        """("asked" or "answered", request), in the order of time."""
        self.closed = False

    async def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        self.events.append(("asked", request))
        answer = self.answer(request) if callable(self.answer) else self.answer
        for _ in range(3):
            await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        self.events.append(("answered", request))
        return reply_of(answer)

    async def close(self) -> None:
        self.closed = True


def reply_of(answer: float | str | Reply) -> Reply:
    """A probability as the first token's alternatives, a text as a text."""
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, str):
        return Reply(text=answer)
    tokens = tuple((word, math.log(p)) for word, p in (("Yes", answer), ("No", 1 - answer)) if p > 0)
    return Reply(text="", first_token=tokens, prompt_tokens=10, cached_tokens=4, completion_tokens=1)


@pytest.fixture
def scripted_model() -> type[ScriptedModel]:
    return ScriptedModel


@pytest.fixture
def reward_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes reward.yaml and the files beside it, by name, into a folder of the test's own."""

    def write(text: str, files: Mapping[str, str] | None = None) -> Path:
        folder = tmp_path / "reward"
        folder.mkdir(exist_ok=True)
        for name, content in (files or {}).items():
            (folder / name).write_text(content, "utf-8")
        path = folder / "reward.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def judged_by(reward_file: Callable[..., Path]) -> Callable[..., Reward]:
    """Puts a reward's text and a scripted model, or a panel of them, together; without a journal it lives in memory."""

    def make(
        text: str,
        model: ScriptedModel | Sequence[ScriptedModel],
        *,
        fallback: ScriptedModel | None = None,
        budget: Budget | None = None,
        journal: Path | None = None,
        readings: Mapping[str, Reading] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> Reward:
        spec = read_reward(reward_file(text, files))
        models = model if isinstance(model, Sequence) else [model]
        judges = Judges(spec, models, Journal.open(journal), fallback=fallback, budget=budget)
        return Reward(judges, readings=readings, certificate_hash="c0ffee")

    return make


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Finds a reference data set by name, in DIKAST_SHARED or in `shared` beside the project; skips without it."""

    def find(name: str) -> Path:
        shared = Path(os.environ.get("DIKAST_SHARED") or PROJECT.parent / "shared")
        found = shared / "data" / name
        if not found.exists():
            pytest.skip(f"no reference data at {found}; DIKAST_SHARED names the folder that holds data/{name}")
        return found

    return find


@pytest.fixture
def judge_server(tmp_path: Path) -> Iterator[Callable[..., JudgeServer]]:
    """Starts judge servers with options of bench/judge_server.py, and stops them after the test."""
    running: list[JudgeServer] = []

    def start(*options: str) -> JudgeServer:
        running.append(JudgeServer(tmp_path / f"port-{len(running)}", *options))
        return running[-1]

    yield start
    for server in running:
        server.stop()
