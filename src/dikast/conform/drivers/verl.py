"""verl: its agent loop worker, its Ray reward workers, its transfer queue and its replay buffer, on a CPU.

    python -m dikast.conform.drivers.verl FOLDER         FOLDER holds the suite; prints what `finding.py` says

Only the policy is played: what it says is recorded. All else from the prompt to the sampled batch is the v1
trainer's own code; the advantages are those of its GRPO.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from dikast.conform.recorded import Recorded
from dikast.records import Rollout

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_DEDUP_LOGS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SIBLINGS = 4
WORKERS = 2
SLOTS = 16
"""Of Ray, not of the machine: its actors ask for more than they use."""


class RecordedLoop:
    """An agent loop whose policy says what is recorded for its prompt and session."""

    groups: dict[str, list[Rollout]] = {}
    tokenizer: Any = None

    def __init__(self, **_given: Any) -> None:
        pass

    async def run(self, sampling_params: dict[str, Any], **row: Any) -> Any:
        from verl.experimental.agent_loop import AgentLoopOutput
        from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics

        said = self.groups[row["uid"]][row["session_id"]].completion
        tokens = [*self.tokenizer.encode(said), self.tokenizer.eos_token_id]
        return AgentLoopOutput(
            prompt_ids=self.tokenizer.encode("p"),
            response_ids=tokens,
            response_mask=[1] * len(tokens),
            num_turns=2,
            metrics=AgentLoopMetrics(),
        )


def make_model(folder: Path) -> None:
    """Writes a tokenizer of bytes, which gives every text back as it was, and the configuration of a tiny model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<end>",
        pad_token="<pad>",
        chat_template="{% for m in messages %}{{ m.content }}{% endfor %}",
    ).save_pretrained(folder)
    Qwen2Config(
        vocab_size=300, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, architectures=["Qwen2ForCausalLM"],
    ).save_pretrained(folder)  # fmt: skip


def configuration(model: Path, settings: dict[str, Any]) -> Any:
    """verl's own configuration, with what our documentation says to set."""
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf, open_dict
    from verl.experimental.reward_loop import migrate_legacy_reward_impl

    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose(
            "ppo_trainer",
            overrides=[
                f"actor_rollout_ref.model.path={model}",
                "actor_rollout_ref.rollout.name=vllm",
                f"actor_rollout_ref.rollout.n={SIBLINGS}",
                "actor_rollout_ref.rollout.agent.default_agent_loop=recorded",
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


async def roll_out(worker: Any, groups: dict[str, list[Rollout]]) -> None:
    """Has the trainer's worker run every prompt with its sessions, as the trainer does."""
    import transfer_queue as tq

    for number, (uid, rollouts) in enumerate(groups.items()):
        await tq.async_kv_put(
            key=uid, partition_id="train", tag={"is_prompt": True, "status": "pending", "global_steps": 1}
        )
        prompt = {**row_of(rollouts[0]), "agent_name": "recorded", "index": number, "global_steps": 1}
        trajectory = {"step": 1, "sample_index": number, "rollout_n": 0, "validate": False}
        await worker._run_prompt(prompt, {}, trajectory=trajectory)


def sampled(config: Any, groups: int) -> dict[str, float]:
    """What the synchronous trainer samples: the reward of each trajectory that is there, by its key."""
    import transfer_queue as tq
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    buffer = ReplayBuffer(
        trainer_mode="sync",
        trainer_config=config.trainer.v1.get("sync", {}),
        max_off_policy_threshold=None,
        max_off_policy_strategy="drop",
        sampler_kwargs=config.trainer.v1.sampler.sampler_kwargs,
        poll_interval=0.1,
    )
    batch, _metrics = buffer.sample(global_steps=1, partition_id="train", batch_size=groups)
    rewards: dict[str, float] = {}
    for key in batch.keys:
        scores = tq.kv_batch_get(keys=[key], partition_id="train", select_fields=["rm_scores"])["rm_scores"]
        rewards[key] = float(scores[0].sum())
    return rewards


def advantages(rewards: dict[str, float]) -> dict[str, float]:
    """verl's GRPO over what was sampled, by trajectory."""
    import numpy as np
    import torch
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

    found, _returns = compute_grpo_outcome_advantage(
        token_level_rewards=torch.tensor(list(rewards.values()), dtype=torch.float32).unsqueeze(-1),
        response_mask=torch.ones(len(rewards), 1),
        index=np.array([key.split("_")[0] for key in rewards]),
    )
    return dict(zip(rewards, found.squeeze(-1).tolist(), strict=True))


def batch_of(rollouts: list[Rollout], tokenizer: Any) -> Any:
    """The rollouts as a padded batch, which is what the reward loop takes where it is asked for a batch."""
    import numpy as np
    import torch
    from tensordict import TensorDict
    from verl import DataProto

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


def main(folder: Path) -> dict[str, Any]:
    """Runs the suite through verl."""
    import ray
    import transfer_queue as tq
    from verl.experimental.agent_loop.agent_loop import _agent_loop_registry
    from verl.experimental.reward_loop import RewardLoopManager
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ

    suite = Recorded(folder=folder)
    rollouts = suite.rollouts()
    groups: defaultdict[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        groups[rollout.group].append(rollout)
    with tempfile.TemporaryDirectory() as model:
        make_model(Path(model))
        config = configuration(Path(model), {"reward": str(suite.reward), "log": str(folder / "verl-scores")})
        ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            tq.init()
            manager = RewardLoopManager(config)
            worker = AgentLoopWorkerTQ.__ray_metadata__.modified_class(
                config, llm_client=None, reward_loop_worker_handles=manager.reward_loop_worker_handles
            )
            RecordedLoop.groups, RecordedLoop.tokenizer = groups, worker.tokenizer
            _agent_loop_registry["recorded"] = {"_target_": f"{__name__}.RecordedLoop"}
            asyncio.run(roll_out(worker, groups))
            rewards = sampled(config, len(groups))
            there = [one for one in rollouts if key_of(one) in rewards]
            batch = manager.compute_rm_score(batch_of(there, worker.tokenizer))
            given = {one.id: score for one, score in zip(there, batch.non_tensor_batch["score"].tolist(), strict=True)}
        finally:
            ray.shutdown()
    trained = advantages(rewards)
    whole = dict(zip(map(key_of, there), batch.batch["rm_scores"].sum(-1).tolist(), strict=True))
    alone = advantages(whole)
    return {
        "trainer": "verl",
        "version": version("verl"),
        "rewards": {one.id: given.get(one.id) for one in rollouts},
        "advantages": {one.id: trained.get(key_of(one)) for one in rollouts},
        "alone": {one.id: alone[key_of(one)] for one in there},
    }


if __name__ == "__main__":
    print(msgspec.json.encode(main(Path(sys.argv[1]))).decode())
