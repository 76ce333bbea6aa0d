"""OpenRLHF: its executor asks `dikast serve` on this machine, its generator filters, its experience maker baselines.

vLLM, Ray and what else needs a GPU are stood in for; the policy says what is recorded. Twice: with dynamic filtering,
which drops the group of a missing score, and without, where the server gives the mean of the siblings.
"""

# pyright: reportMissingImports=false
# ruff: noqa: E402 (what is set or stood in for must be so before the trainer is imported)

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import msgspec
import torch

from dikast.conform.drivers.serving import served
from dikast.conform.drivers.standing_in import stand_in_for
from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout
from dikast.train.tiny import make_tokenizer

stand_in_for(
    "bitsandbytes",
    "deepspeed",
    "flash_attn",
    "loralib",
    "openrlhf.trainer.ray",
    "optimum",
    "peft",
    "ray",
    "vllm",
    "wandb",
)

import ray
from openrlhf.trainer.ppo_utils import experience_maker
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator
from openrlhf.utils.agent import SingleTurnAgentExecutor

LONGEST = 4096
DEADLINE = 3
"""Seconds that a missing rollout waits for siblings that are not there either; the trainer asks five times."""
ADDED = 1e-9
"""To the standard deviation, by OpenRLHF."""

ray.wait = lambda refs, **_: (refs[:1], refs[1:])
ray.get = lambda ref: ref


class Reciting(SamplesGenerator):
    """The generator, whose engines are one policy that says what is recorded for its prompt."""

    def __init__(self, url: str, groups: Mapping[str, Sequence[Rollout]], tokenizer: Any) -> None:
        filtering = {"dynamic_filtering_range": (-math.inf, math.inf)}
        self.args = SimpleNamespace(algo=SimpleNamespace(**filtering))
        self.tokenizer = tokenizer
        self.groups = groups
        self.executor = SingleTurnAgentExecutor(url)
        self.rewards: dict[str, float | None] = {}

    def _dispatch_prompts_to_vllm(self, prompts: Any, labels: Any, *, images: Any = None, **_: Any) -> list[Any]:
        return [asyncio.run(self._answers(prompt, label)) for prompt, label in zip(prompts, labels, strict=True)]

    async def _answers(self, prompt: str, label: str) -> list[dict[str, Any]]:
        params = SimpleNamespace(max_tokens=LONGEST // 2, logprobs=None)
        group = self.groups[json.loads(label)["of"]]
        answers = await asyncio.gather(
            *(
                self.executor.execute(prompt, label, params, LONGEST, self.tokenizer, Engine(one, self.tokenizer))
                for one in group
            )
        )
        for one, answer in zip(group, answers, strict=True):
            self.rewards[one.id] = None if answer["reward"] is None else answer["reward"][0]
        return answers


class Engine:
    """Says one recorded answer."""

    def __init__(self, rollout: Rollout, tokenizer: Any) -> None:
        self.tokens = [*tokenizer.encode(rollout.completion), tokenizer.eos_token_id]

    async def generate(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=self.tokens, finish_reason="stop", logprobs=None)])


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One with dynamic filtering, one without."""
    rollouts = recorded.rollouts()
    tokenizer = make_tokenizer([rollout.completion for rollout in rollouts])
    missing = {score.id for score in recorded.expected() if score.score is None}
    for name, options in (("OpenRLHF, filtering", "&dynamic_filtering=true&on_missing=native"), ("OpenRLHF", "")):
        with served(recorded) as url:
            address = f"{url}/openrlhf?label=json&siblings={siblings_of(rollouts) - 1}&deadline={DEADLINE}{options}"
            generator = Reciting(address, groups_of(rollouts), tokenizer)
            yield found(name, generator, rollouts, missing, filtering=bool(options))


def found(
    name: str, generator: Reciting, rollouts: Sequence[Rollout], missing: set[str], *, filtering: bool
) -> Finding:
    """Generates all prompts, and has the advantages worked out of those groups that are left and whole."""
    groups = generator.groups
    # Last what nobody can give a number for: it is asked for again and again.
    order = sorted(groups, key=lambda group: all(one.id in missing for one in groups[group]))
    batches = iter([batch_of(groups[group], generator.tokenizer) for group in order])
    experiences, _consumed, _exhausted = generator._generate_vllm(batches, len(order), filtering, max_len=LONGEST)
    kept: dict[str, list[Any]] = {}
    for experience in experiences:
        kept.setdefault(json.loads(experience.labels[0])["of"], []).append(experience)
    whole = {name: group for name, group in kept.items() if all(one.rewards is not None for one in group)}
    worth = advantages([experience for group in whole.values() for experience in group], siblings_of(rollouts))
    trained = dict(zip((one.id for group in whole for one in groups[group]), worth, strict=True))
    rewards = {one.id: None if one.id in missing else generator.rewards[one.id] for one in rollouts}
    for name_of, reward in generator.rewards.items():
        if name_of in missing and filtering and not (reward is not None and math.isnan(reward)):
            raise AssertionError(f"{name_of} is missing, and was told as {reward}")
    by_themselves = alone(rollouts, rewards, in_group)
    return Finding(
        trainer=name,
        version=version("openrlhf"),
        rewards=rewards,
        advantages=dict(trained),
        alone={one: value for one, value in by_themselves.items() if one in trained},
        siblings="scaled",
    )


def batch_of(group: Sequence[Rollout], tokenizer: Any) -> tuple[None, list[str], list[str], list[None]]:
    """What the data loader gives: the prompt with its marks, and the columns as the label's text."""
    prompt = tokenizer.apply_chat_template(
        msgspec.to_builtins(group[0].prompt), tokenize=False, add_generation_prompt=True
    )
    label = {"of": group[0].group, "reference": group[0].reference, **group[0].columns}
    return None, [prompt], [json.dumps(label)], [None]


def advantages(experiences: Sequence[Any], siblings: int) -> list[float]:
    """Has the experience maker work out what it would train with: the same number for every token of an answer."""
    maker = experience_maker.RemoteExperienceMaker.__new__(experience_maker.RemoteExperienceMaker)
    advantage = SimpleNamespace(estimator="group_norm", gamma=1.0, no_std_norm=False)
    args = SimpleNamespace(
        algo=SimpleNamespace(advantage=advantage),
        rollout=SimpleNamespace(n_samples_per_prompt=siblings),
        reward=SimpleNamespace(clip_range=None, overlong_buffer_len=None, stop_properly_penalty_coef=None),
    )
    maker.strategy, maker.args, maker.advantage_estimator = SimpleNamespace(args=args), args, "group_norm"
    maker.kl_ctl = SimpleNamespace(value=0.0)
    for at, experience in enumerate(experiences):
        experience.index = [at]
        experience.rewards = experience.rewards.reshape(1)
        experience.kl = torch.zeros_like(experience.action_mask, dtype=torch.float32)
    done = maker.compute_advantages_and_returns(list(experiences))
    return [float(one.advantages[0][one.action_mask[0].bool()][0]) for one in done]


def in_group(rewards: Sequence[float]) -> list[float]:
    """The advantages of one group that has no missing ones; none for a group of one."""
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    values = torch.tensor(rewards, dtype=torch.float32)
    return ((values - values.mean()) / (values.std() + ADDED)).tolist()


if __name__ == "__main__":
    drive(findings)
