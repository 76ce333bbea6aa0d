"""verl: its agent loop worker, its Ray reward workers, its transfer queue and its replay buffer, on a CPU.

Only the policy is played: what it says is recorded. All else from the prompt to the sampled batch is the v1
trainer's own code; the advantages are those of its GRPO.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportCallIssue=false

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from dikast.conform.drivers.telling import alone, drive, groups_of, siblings_of
from dikast.conform.finding import Finding
from dikast.conform.recorded import Recorded
from dikast.records import Rollout
from dikast.train.tiny import make_tokenizer

# Read when Ray and the tokenizers are imported.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import ray
import torch
import transfer_queue as tq
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf, open_dict
from tensordict import TensorDict
from transformers import LlamaConfig
from verl import DataProto
from verl.experimental.agent_loop import AgentLoopOutput
from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, _agent_loop_registry
from verl.experimental.reward_loop import RewardLoopManager, migrate_legacy_reward_impl
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

WORKERS = 2
SLOTS = 16
"""Of Ray, not of the machine: its actors ask for more than they use."""


class Reciting:
    """An agent loop whose policy says what is recorded for its prompt and session."""

    groups: Mapping[str, Sequence[Rollout]] = {}
    tokenizer: Any = None

    def __init__(self, **_given: Any) -> None:
        """Verl passes what a loop may need; this one needs nothing."""

    async def run(self, _sampling_params: Any, **row: Any) -> AgentLoopOutput:
        said = self.groups[row["uid"]][row["session_id"]].completion
        tokens = [*self.tokenizer.encode(said), self.tokenizer.eos_token_id]
        return AgentLoopOutput(
            prompt_ids=[self.tokenizer.eos_token_id],
            response_ids=tokens,
            response_mask=[1] * len(tokens),
            num_turns=2,
            metrics=AgentLoopMetrics(),
        )


def findings(recorded: Recorded) -> Iterator[Finding]:
    """One."""
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), [rollout.completion for rollout in recorded.rollouts()])
        config = configuration(Path(folder), siblings_of(recorded.rollouts()), {"reward": recorded.setting})
        ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            tq.init()
            yield trained(recorded, config)
        finally:
            ray.shutdown()


def trained(recorded: Recorded, config: Any) -> Finding:
    """Rolls out, scores and samples as the trainer does; then asks for the batch that came of it once more."""
    rollouts = recorded.rollouts()
    groups = groups_of(rollouts)
    manager = RewardLoopManager(config)
    worker = AgentLoopWorkerTQ.__ray_metadata__.modified_class(
        config, llm_client=None, reward_loop_worker_handles=manager.reward_loop_worker_handles
    )
    Reciting.groups, Reciting.tokenizer = groups, worker.tokenizer
    _agent_loop_registry["reciting"] = {"_target_": f"{__name__}.Reciting"}
    asyncio.run(roll_out(worker, groups))
    sampled = sampled_by(config, len(groups))
    there = [one for one in rollouts if key_of(one) in sampled]
    batch = manager.compute_rm_score(batch_of(there, worker.tokenizer))
    given = dict(zip((one.id for one in there), batch.non_tensor_batch["score"].tolist(), strict=True))
    rewards = {one.id: given.get(one.id) for one in rollouts}
    worth = dict(zip(sampled, advantages(list(sampled.values()), list(sampled)), strict=True))
    return Finding(
        trainer="verl",
        version=version("verl"),
        rewards=rewards,
        advantages={one.id: worth.get(key_of(one)) for one in rollouts},
        alone=alone(rollouts, rewards, advantages),
    )


def save_model(folder: Path, texts: Sequence[str]) -> None:
    """Writes a tokenizer that gives every text back as it was, and the configuration of a tiny model."""
    make_tokenizer(texts).save_pretrained(folder)
    LlamaConfig(hidden_size=64, num_hidden_layers=1, architectures=["LlamaForCausalLM"]).save_pretrained(folder)


def configuration(model: Path, siblings: int, settings: dict[str, Any]) -> Any:
    """Verl's own configuration, with what our documentation says to set."""
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose(
            "ppo_trainer",
            overrides=[
                f"actor_rollout_ref.model.path={model}",
                "actor_rollout_ref.rollout.name=vllm",
                f"actor_rollout_ref.rollout.n={siblings}",
                f"reward.num_workers={WORKERS}",
                "reward.reward_manager.source=importlib",
                "reward.reward_manager.name=DikastRewardManager",
                "reward.reward_manager.module.path=pkg://dikast.adapters.verl",
            ],
        )
    with open_dict(config):
        config.reward.reward_kwargs = OmegaConf.create(settings)
    return migrate_legacy_reward_impl(config)


def row_of(rollout: Rollout) -> dict[str, Any]:
    """A row of verl's data, as our documentation says to lay it out."""
    return {
        "uid": rollout.group,
        "raw_prompt": msgspec.to_builtins(rollout.prompt),
        "data_source": "conformance",
        "reward_model": {"ground_truth": rollout.reference},
        "extra_info": {"contract": rollout.columns["contract"], "rule": rollout.columns["rule"]},
    }


async def roll_out(worker: Any, groups: Mapping[str, Sequence[Rollout]]) -> None:
    """Has the trainer's worker run every prompt with its sessions."""
    for number, (uid, rollouts) in enumerate(groups.items()):
        tag = {"is_prompt": True, "status": "pending", "global_steps": 1}
        await tq.async_kv_put(key=uid, partition_id="train", tag=tag)
        prompt = {**row_of(rollouts[0]), "agent_name": "reciting", "index": number, "global_steps": 1}
        trajectory = {"step": 1, "sample_index": number, "rollout_n": 0, "validate": False}
        await worker._run_prompt(prompt, {}, trajectory=trajectory)


def sampled_by(config: Any, groups: int) -> dict[str, float]:
    """What the synchronous trainer samples: the reward of each trajectory that is there, by its key."""
    buffer = ReplayBuffer(
        trainer_mode="sync",
        trainer_config=config.trainer.v1.get("sync", {}),
        max_off_policy_threshold=None,
        max_off_policy_strategy="drop",
        sampler_kwargs=config.trainer.v1.sampler.sampler_kwargs,
        poll_interval=0.1,
    )
    batch, _metrics = buffer.sample(global_steps=1, partition_id="train", batch_size=groups)
    data = tq.kv_batch_get(keys=batch.keys, partition_id="train", select_fields=["rm_scores"])
    return {key: float(scores.sum()) for key, scores in zip(batch.keys, data["rm_scores"], strict=True)}


def advantages(rewards: Sequence[float], keys: Sequence[str] | None = None) -> list[float]:
    """Verl's GRPO: of the trajectories with these keys, or of one group."""
    if not rewards:
        return []
    found, _returns = compute_grpo_outcome_advantage(
        token_level_rewards=torch.tensor(rewards, dtype=torch.float32).unsqueeze(-1),
        response_mask=torch.ones(len(rewards), 1),
        index=np.array([key.split("_")[0] for key in keys] if keys else ["g"] * len(rewards)),
    )
    return found.squeeze(-1).tolist()


def batch_of(rollouts: Sequence[Rollout], tokenizer: Any) -> DataProto:
    """Rollouts as a padded batch, which is what the reward loop takes where it is asked for one."""
    answers = [[*tokenizer.encode(one.completion), tokenizer.eos_token_id] for one in rollouts]
    longest = max(map(len, answers))
    tensors = {
        "prompts": torch.ones(len(rollouts), 1, dtype=torch.int64),
        "responses": torch.tensor([one + [tokenizer.pad_token_id] * (longest - len(one)) for one in answers]),
        "attention_mask": torch.tensor([[1] * (1 + len(one)) + [0] * (longest - len(one)) for one in answers]),
    }
    rows = [{**row_of(one), "session_id": session_of(one)} for one in rollouts]
    columns = {name: np.empty(len(rows), dtype=object) for name in rows[0]}
    for name, values in columns.items():
        values[:] = [row[name] for row in rows]
    return DataProto(batch=TensorDict(tensors, batch_size=len(rollouts)), non_tensor_batch=columns)


def session_of(rollout: Rollout) -> int:
    """Which of its siblings a rollout is: the last figure of its id."""
    return int(rollout.id.rpartition("-")[2])


def key_of(rollout: Rollout) -> str:
    """What verl calls its trajectory: prompt, session, output."""
    return f"{rollout.group}_{session_of(rollout)}_0"


if __name__ == "__main__":
    drive(findings)
