"""AReaL: its workflow of one turn in its group of rollouts, and its norm of rewards over the batch that is left.

The policy says what is recorded. Twice: with whole groups rejected, and with rollouts alone, where AReaL's norm by
groups needs a batch that has lost none.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import torch
from areal.api import ModelResponse
from areal.api.cli_args import GenerationHyperparameters, NormConfig
from areal.infra.remote_inf_engine import GroupedRolloutWorkflow
from areal.utils.data import Normalization
from areal.workflow.rlvr import RLVRWorkflow

from dikast.adapters.areal import JudgedWorkflow
from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.errors import ModelError
from dikast.records import Rollout
from dikast.train.tiny import make_tokenizer


class Reciting:
    """An engine that says what is recorded for its prompt, one answer a request."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.left: list[Rollout] = []

    async def agenerate(self, request: Any) -> ModelResponse:
        said = [*self.tokenizer.encode(self.left.pop(0).completion), self.tokenizer.eos_token_id]
        return ModelResponse(
            input_tokens=request.input_ids,
            output_tokens=said,
            output_logprobs=[0.0] * len(said),
            output_versions=[0] * len(said),
            tokenizer=self.tokenizer,
        )


def never(*_: Any, **__: Any) -> float:
    """Stands where AReaL wants a reward function; the adapter takes its place."""
    raise AssertionError("AReaL asked a function that is not ours")


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One for each way to reject."""
    for name, setting in (("AReaL", "native"), ("AReaL, rollouts alone", "drop")):
        yield asyncio.run(trained(recorded, name, {"reward": recorded.setting, "on_missing": setting}))


async def trained(recorded: Recorded, name: str, settings: Mapping[str, Any]) -> Finding:
    """Runs every prompt as an episode of its answers, and norms what was not rejected."""
    rollouts = recorded.rollouts()
    groups = groups_of(rollouts)
    tokenizer = make_tokenizer([rollout.completion for rollout in rollouts])
    engine = Reciting(tokenizer)
    inner = RLVRWorkflow(never, GenerationHyperparameters(max_new_tokens=8), tokenizer)
    workflow = GroupedRolloutWorkflow(Kept(inner, settings), siblings_of(rollouts), logging.getLogger("areal"))
    left: dict[str, list[float]] = {}
    for group, members in groups.items():
        engine.left = list(members)
        try:
            episode = await workflow.arun_episode(engine, row_of(members[0]))
        except ModelError:
            # The executor takes whatever an episode raises for its rejection.
            episode = None
        if episode is not None:
            left[group] = episode["rewards"].reshape(-1).tolist()
    given = workflow.workflow.given
    rewards = {one.id: given.get((one.group, one.completion)) for one in rollouts}
    return Finding(
        trainer=name,
        version=version("areal"),
        rewards=rewards,
        advantages=advantages_of(groups, rewards, left) if settings["on_missing"] == "native" else {},
        alone=alone_of(rollouts, rewards, left) if settings["on_missing"] == "native" else {},
    )


class Kept(JudgedWorkflow):
    """The adapter, and what it gave."""

    def __init__(self, inner: Any, settings: Mapping[str, Any]) -> None:
        super().__init__(inner, settings)
        self.given: dict[tuple[str, str], float] = {}

    async def _reward(self, prompt: str, completion: str, *given: Any, **row: Any) -> float:
        reward = await super()._reward(prompt, completion, *given, **row)
        said = self.inner.tokenizer.decode(given[1], skip_special_tokens=True)
        self.given[row["query_id"], said] = reward
        return reward


def row_of(rollout: Rollout) -> dict[str, Any]:
    """A row of AReaL's data."""
    return {
        "query_id": rollout.group,
        "messages": msgspec.to_builtins(rollout.prompt),
        "answer": rollout.reference,
        "contract": rollout.columns["contract"],
        "rule": rollout.columns["rule"],
    }


def advantages_of(
    groups: Mapping[str, Sequence[Rollout]], rewards: Mapping[str, float | None], left: Mapping[str, list[float]]
) -> dict[str, float | None]:
    """What AReaL's norm makes of the batch of all groups that are left, group after group."""
    members = [one.id for group in left for one in groups[group] if rewards[one.id] is not None]
    values = torch.tensor([value for group in left.values() for value in group], dtype=torch.float32)
    return dict(zip(members, normed(values, len(next(iter(groups.values())))), strict=True))


def alone_of(
    rollouts: Sequence[Rollout], rewards: Mapping[str, float | None], left: Mapping[str, list[float]]
) -> dict[str, float]:
    """What it makes of each of these groups by itself."""
    kept = [one for one in rollouts if one.group in left]
    return alone(kept, rewards, lambda values: normed(torch.tensor(values, dtype=torch.float32), len(values)))


def normed(values: torch.Tensor, size: int) -> list[float]:
    """AReaL's norm by groups of a size."""
    norm = Normalization(NormConfig(mean_level="group", std_level="group", group_size=size))
    return norm(values).tolist()


if __name__ == "__main__":
    drive(findings)
