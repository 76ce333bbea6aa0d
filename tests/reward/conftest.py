"""A rollout that the tests of this folder share."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from dikast.records import Rollout


def make_rollout(name: str = "r", completion: Any = "an answer", *, group: str = "g", **columns: Any) -> Rollout:
    """A rollout over a contract; a completion that is no text is written as JSON."""
    text = completion if isinstance(completion, str) else json.dumps(completion)
    return Rollout(
        id=name,
        group=group,
        prompt=f"prompt {group}",
        completion=text,
        columns={"contract": f"contract {group}", **columns},
    )


async def seconds_late(reward: Any, rollouts: Sequence[Rollout], *, deadline: float) -> float:
    """How long after its deadline a batch ends: the best of three, since a busy machine may hold up any one."""
    late: list[float] = []
    for _ in range(3):
        started = asyncio.get_running_loop().time()
        await reward.ascore(rollouts, deadline=deadline)
        late.append(asyncio.get_running_loop().time() - started - deadline)
    return min(late)


@pytest.fixture
def late() -> Callable[..., Awaitable[float]]:
    return seconds_late


@pytest.fixture
def rollout() -> Callable[..., Rollout]:
    return make_rollout
