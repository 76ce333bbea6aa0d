"""TRL: two real steps of GRPO and of RLOO with a tiny model, and AsyncGRPO's scoring of each group.

The policy "writes" what is recorded: only the sampling of tokens is replaced.
"""

# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import trl
from accelerate import PartialState
from datasets import Dataset
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from dikast.adapters.trl import AWAITS_OBJECTS, SyncTrlReward, TrlReward
from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout
from dikast.train.tiny import make_tokenizer

STEPS = 2
ACCUMULATED = 5
SETTINGS: dict[str, Any] = {
    "gradient_accumulation_steps": ACCUMULATED,
    "max_steps": STEPS,
    "max_completion_length": 1024,
    "shuffle_dataset": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "disable_tqdm": True,
    "beta": 0.0,
}


class Kept(TrlReward):
    """The adapter, and what it gave."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.given: list[float | None] = []

    async def __call__(self, *given: Any, **columns: Any) -> list[float | None]:
        rewards = await super().__call__(*given, **columns)
        self.given += rewards
        return rewards


class KeptSync(SyncTrlReward):
    """The adapter of an older TRL, what it gave, and of whom a score was missing."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.given: list[float | None] = []
        self.missing: list[bool] = []

    def __call__(self, *given: Any, log_extra: Any = None, **columns: Any) -> list[float | None]:
        def logged(name: str, values: list[Any]) -> None:
            if name == "score_status":
                self.missing += [value == "missing" for value in values]

        rewards = super().__call__(*given, log_extra=logged, **columns)
        self.given += rewards
        return rewards


class Reciting:
    """A trainer whose policy samples what is recorded, in the order of the prompts."""

    recited: list[list[int]]
    advantages: list[float]

    def _generate_single_turn(self, prompt_ids: Sequence[Any], *_: Any) -> Any:
        written, self.recited = self.recited[: len(prompt_ids)], self.recited[len(prompt_ids) :]
        return (written, None) if isinstance(self, GRPOTrainer) else written

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        batch = super()._generate_and_score_completions(inputs)  # pyright: ignore[reportAttributeAccessIssue]
        self.advantages += batch["advantages"].tolist()
        return batch


class RecitingGRPO(Reciting, GRPOTrainer):
    """GRPO."""


class RecitingRLOO(Reciting, RLOOTrainer):
    """RLOO."""


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One for each of the three; AsyncGRPO where it awaits an object."""
    rollouts = recorded.rollouts()
    awaits = tuple(map(int, trl.__version__.split(".")[:2])) >= AWAITS_OBJECTS
    for name, trainer, config, worth in (
        ("TRL GRPO", RecitingGRPO, GRPOConfig, in_group),
        ("TRL RLOO", RecitingRLOO, RLOOConfig, leave_one_out),
    ):
        reward = (Kept if awaits else KeptSync).load(recorded.setting)
        advantages = train(trainer, config, reward, rollouts)
        yield finding(name, rollouts, reward.given, advantages, worth)
    if awaits:
        yield asyncio.run(scored(recorded, rollouts))


def train(trainer: Any, config: Any, reward: Any, rollouts: list[Rollout]) -> list[float]:
    """Trains for two steps, which see all rollouts once; gives the trainer's advantages in their order."""
    tokenizer = make_tokenizer([rollout.completion for rollout in rollouts])
    tokenizer.padding_side = "left"
    size = len(rollouts) // (STEPS * ACCUMULATED)
    sizes = {"num_generations": siblings_of(rollouts), "per_device_train_batch_size": size}
    rows = [row_of(group[0]) for group in groups_of(rollouts).values()]
    with tempfile.TemporaryDirectory() as work:
        run = trainer(
            model=tiny_model(tokenizer),
            args=config(output_dir=work, **SETTINGS, **sizes),
            processing_class=tokenizer,
            reward_funcs=reward,
            train_dataset=Dataset.from_list(rows),
        )
        run.recited = [[*tokenizer.encode(rollout.completion), tokenizer.eos_token_id] for rollout in rollouts]
        run.advantages = []
        run.train()
    return run.advantages


def finding(
    name: str,
    rollouts: list[Rollout],
    given: Sequence[float | None],
    advantages: Sequence[float],
    worth: Callable[[Sequence[float]], Sequence[float]],
) -> Finding:
    """What the adapter gave, what the trainer made of it, and of the valid ones alone."""
    ids = [rollout.id for rollout in rollouts]
    rewards = dict(zip(ids, given, strict=True))
    return Finding(
        trainer=name,
        version=trl.__version__,
        rewards=rewards,
        advantages=dict(zip(ids, advantages, strict=True)),
        alone=alone(rollouts, rewards, worth),
    )


async def scored(recorded: Recorded, rollouts: list[Rollout]) -> Finding:
    """AsyncGRPO: a reward that went to another process and back, and the group's own scoring."""
    reward = pickle.loads(pickle.dumps(Kept.load(recorded.setting)))
    advantages = await score_groups([reward], rollouts)
    return finding("TRL AsyncGRPO", rollouts, reward.given, advantages, of_population)


async def score_groups(functions: Sequence[Any], rollouts: list[Rollout]) -> list[float]:
    """Has AsyncGRPO score every group; gives its advantages in the order of the rollouts."""
    from trl.experimental.async_grpo.async_rollout_worker import _AsyncRolloutLoop

    # Its log asks for it, and only the trainer of its own would make it.
    PartialState(cpu=True)
    loop = _AsyncRolloutLoop.__new__(_AsyncRolloutLoop)
    loop.reward_funcs, loop.reward_func_names = list(functions), [function.__name__ for function in functions]
    loop._env_reward_types = []
    advantages: list[float] = []
    for number, group in enumerate(groups_of(rollouts).values()):
        advantages += [sample.advantage for sample in await loop._score_group(group_of_trl(number, group))]
    return advantages


def group_of_trl(number: int, group: list[Rollout]) -> Any:
    """What AsyncGRPO's generating loop hands to its scoring one."""
    from trl.experimental.async_grpo.async_rollout_worker import RolloutGroup

    row = row_of(group[0])
    prompt = row.pop("prompt")
    return RolloutGroup(
        prompts=[prompt] * len(group),
        reward_kwargs={name: [value] * len(group) for name, value in row.items()},
        completions=[[{"role": "assistant", "content": rollout.completion}] for rollout in group],
        completions_ids=[[0]] * len(group),
        completions_sequences=[[Sequenced()] for _ in group],  # pyright: ignore[reportArgumentType]  its fields are read
        tool_call_counts=[0] * len(group),
        tool_failure_counts=[0] * len(group),
        model_version=0,
        group_id=number,
        env_rewards=[None] * len(group),
        rollout_rewards=[None] * len(group),
    )


class Sequenced:
    """The one training row of a conversation."""

    input_ids, completion_mask, old_log_probs = [0], [1], [0.0]


def row_of(rollout: Rollout) -> dict[str, Any]:
    """A row of the data: the prompt as turns, and the reward's columns."""
    turns: Any = rollout.prompt
    prompt = [{"role": turn.role, "content": turn.content} for turn in turns]
    return {"prompt": prompt, "contract": rollout.columns["contract"], "rule": rollout.columns["rule"]}


def tiny_model(tokenizer: Any) -> Any:
    """Two small layers: it is there to be moved."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip


def in_group(rewards: Sequence[float]) -> list[float]:
    """GRPO: over the sample's standard deviation; a lone rollout teaches nothing."""
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    values = np.array(rewards)
    return ((values - values.mean()) / (values.std(ddof=1) + 1e-4)).tolist()


def leave_one_out(rewards: Sequence[float]) -> list[float]:
    """RLOO: over the mean of the others."""
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    values = np.array(rewards)
    return (values - (values.sum() - values) / (len(values) - 1)).tolist()


def of_population(rewards: Sequence[float]) -> list[float]:
    """AsyncGRPO: over the population's standard deviation."""
    values = np.array(rewards)
    return ((values - values.mean()) / (values.std() + 1e-8)).tolist() if len(values) else []


if __name__ == "__main__":
    drive(findings)
