"""verifiers: `Task.score` of every trace, with the judge as a plugin and as a reward function, and prime-rl's way with errors.

prime-rl needs a GPU. What it does with a trace that failed is drop it from the group before it takes the mean
(its orchestrator/algo/base.py); that is done here.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import verifiers.v1 as vf
from verifiers.v1.errors import TaskError
from verifiers.v1.graph import MessageNode

from dikast.adapters.verifiers import reward_function
from dikast.conform.drivers.telling import alone, drive, groups_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout


class Clause(vf.TaskData):
    """A row of the data."""

    contract: str
    rule: str


class Review(vf.Task[Clause]):
    """A task that brings no reward of its own."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One for the plugin, one for the function."""
    plugin = vf.TaskConfig(judges=[{"id": "dikast-judge", "reward": recorded.setting}])
    yield asyncio.run(scored(recorded, "verifiers judge", plugin))
    module = types.ModuleType("my_rewards")
    module.judged = reward_function(recorded.setting)  # pyright: ignore[reportAttributeAccessIssue]  made for this
    sys.modules["my_rewards"] = module
    function = vf.TaskConfig(rewards={"dikast": {"fn": "my_rewards:judged"}})
    yield asyncio.run(scored(recorded, "verifiers reward", function))


async def scored(recorded: Recorded, name: str, config: Any) -> Finding:
    """Scores every trace by itself, then takes the mean of each group's sound ones from them."""
    rollouts = recorded.rollouts()
    rewards: dict[str, float | None] = {}
    for rollout in rollouts:
        rewards[rollout.id] = await reward_of(rollout, config)
    advantages: dict[str, float | None] = {}
    for group in groups_of(rollouts).values():
        sound = {one.id: reward for one in group if (reward := rewards[one.id]) is not None}
        kept = dict(zip(sound, centred(list(sound.values())), strict=True))
        advantages.update({one.id: kept.get(one.id) for one in group})
    return Finding(
        trainer=name,
        version=version("verifiers"),
        rewards=rewards,
        advantages=advantages,
        alone=alone(rollouts, rewards, centred),
    )


async def reward_of(rollout: Rollout, config: Any) -> float | None:
    """The trace's reward; None where scoring it was an error."""
    turns: Any = rollout.prompt
    data = Clause(
        prompt=turns[0].content, contract=rollout.columns["contract"], rule=rollout.columns["rule"], id=rollout.group
    )
    task = Review(data, config)
    trace = vf.Trace(
        task=vf.TraceTask(type="Review", data=data), agent=vf.AgentInfo(name="agent", config=vf.AgentConfig())
    )
    answer = vf.AssistantMessage(content=rollout.completion)
    trace.nodes.append(MessageNode(message=answer, sampled=True))
    try:
        await task.score(trace)
    except TaskError as error:
        trace.record_error(error)
        return None
    return trace.reward


def centred(rewards: Sequence[float]) -> list[float]:
    """Less the mean of those that are there."""
    return [reward - sum(rewards) / len(rewards) for reward in rewards]


if __name__ == "__main__":
    drive(findings)
