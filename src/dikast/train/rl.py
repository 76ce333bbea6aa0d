"""Reinforcement learning of the policy against the reward, with TRL's GRPO."""

from __future__ import annotations

import dataclasses
import difflib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dikast.adapters.trl import StepCost, TrlReward
from dikast.errors import ConfigError
from dikast.records import Rollout
from dikast.reward.reward import Reward
from dikast.spec.run import RunSpec

Log = Callable[[dict[str, Any]], None]

DEFAULTS: dict[str, Any] = {
    "max_steps": 12,
    "num_generations": 8,
    "per_device_train_batch_size": 16,
    "max_completion_length": 96,
    "learning_rate": 1e-5,
    "lr_scheduler_type": "constant",
    "temperature": 1.0,
    "top_k": 0,
    "beta": 0.0,
    "scale_rewards": "group",
    "loss_type": "dapo",
    "save_steps": 4,
}
"""What a CPU run starts from; run.yaml's `rl` overrides each."""

FIXED: dict[str, Any] = {
    "report_to": [],
    "logging_steps": 1,
    "save_strategy": "steps",
    "save_total_limit": 1,
    "bf16": False,
    "activation_checkpointing": False,
    "disable_tqdm": True,
    "log_completions": False,
}
"""What dikast decides: the journal logs completions, the run folder the rest."""


LAST_WRITTEN = "trainer_state.json"
"""The file with which the trainer ends a checkpoint."""

MOST_FLAT = 0.5
"""Share of groups with equal scores from which a run is warned about: over half of its work is lost. Judgement."""


class RlOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the reinforcement learning did."""

    steps: int
    seconds: float
    """Wall time of this and all earlier parts of the run, where it was interrupted."""
    flat_groups: float
    """Share of the groups whose scores were all equal, 0..1: their advantages are zero, and they teach nothing."""


def rl_settings(spec: RunSpec) -> dict[str, Any]:
    """Gives the settings for GRPOConfig. Raises `ConfigError` for a name that TRL does not know."""
    from trl.trainer.grpo_config import GRPOConfig

    known = {field.name for field in dataclasses.fields(GRPOConfig)}
    for name in spec.file.rl:
        if name in FIXED or name in ("output_dir", "seed"):
            raise ConfigError(f"{spec.path}: rl.{name}: dikast sets this itself; remove it")
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            mend = f"did you mean '{close[0]}'?" if close else "see TRL's GRPOConfig for the names"
            raise ConfigError(f"{spec.path}: rl.{name}: TRL has no such setting; {mend}")
    return {**DEFAULTS, **spec.file.rl, **FIXED}


def run_rl(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Rollout],
    reward: Reward,
    spec: RunSpec,
    *,
    work: Path,
    log: Log,
    warn: Callable[[str], None],
    seconds: float | None = None,
) -> RlOutcome:
    """Trains the policy, from the newest checkpoint in `work` where there is one.

    `seconds` bounds the wall time of all parts together: the run ends with the step in which it is passed.
    """
    import torch
    from transformers import PrinterCallback
    from trl.trainer.grpo_config import GRPOConfig

    from dikast.train.prefix import PrefixSharingGRPOTrainer

    clock = _Clock(seconds=seconds)
    # No other rank waits here, and a local judge on a CPU may take long.
    judged: Any = TrlReward(reward, on_missing=spec.file.on_missing, deadline=None, note=clock.note, warn=warn)
    config = GRPOConfig(
        output_dir=str(work), seed=spec.file.seed, use_cpu=not torch.cuda.is_available(), **rl_settings(spec)
    )
    trainer = PrefixSharingGRPOTrainer(
        model=model,
        args=config,
        processing_class=tokenizer,
        reward_funcs=judged,
        train_dataset=_dataset(prompts),
    )
    trainer.remove_callback(PrinterCallback)
    clock.attach(trainer, log)
    checkpoint = newest_checkpoint(work)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    flat = _flat_groups(trainer.state.log_history)
    if flat > MOST_FLAT:
        warn(
            f"rl: warning: in {flat:.0%} of the groups all scores were equal, and nothing can be learnt from those; "
            "a gate may stop all completions, or the judge may answer them alike: see 'dikast score' on some of them"
        )
    return RlOutcome(steps=trainer.state.global_step, seconds=clock.spent, flat_groups=flat)


def _flat_groups(history: Sequence[dict[str, float]]) -> float:
    """Averages what the trainer logged at each step."""
    shares = [entry["frac_reward_zero_std"] for entry in history if "frac_reward_zero_std" in entry]
    return sum(shares) / len(shares) if shares else 0.0


def newest_checkpoint(work: Path) -> Path | None:
    """Gives the newest checkpoint that was written to its end, and removes what a kill left half written.

    The trainer writes its state last; a folder without it is no checkpoint.
    """
    whole: list[tuple[int, Path]] = []
    for folder in work.glob("checkpoint-*"):
        try:
            state = json.loads((folder / LAST_WRITTEN).read_bytes())
        except (OSError, ValueError):
            shutil.rmtree(folder)
            continue
        whole.append((state["global_step"], folder))
    return max(whole)[1] if whole else None


def _dataset(prompts: Sequence[Rollout]) -> Any:
    from datasets import Dataset

    rows = [
        {
            "prompt": rollout.prompt
            if isinstance(rollout.prompt, str)
            else [{"role": turn.role, "content": turn.content} for turn in rollout.prompt],
            "reference": rollout.reference,
            **rollout.columns,
        }
        for rollout in prompts
    ]
    return Dataset.from_list(rows)


class _Clock:
    """Times each step in its three parts and stops the run when its time is up. The total survives a resume."""

    def __init__(self, *, seconds: float | None) -> None:
        self.limit = seconds
        self.spent = 0.0
        self.costs: list[StepCost] = []

    def note(self, cost: StepCost) -> None:
        self.costs.append(cost)

    def attach(self, trainer: Any, log: Log) -> None:
        """Adds the callback that logs each step with its times."""
        from transformers import TrainerCallback

        clock = self

        class Timing(TrainerCallback):
            started = 0.0

            def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                # The callback's own total is in every log line; the last one before a stop carries it over.
                earlier = [entry["seconds_total"] for entry in state.log_history if "seconds_total" in entry]
                clock.spent = earlier[-1] if earlier else 0.0

            def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                self.started = time.monotonic()

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                clock.spent += time.monotonic() - self.started
                if clock.limit is not None and clock.spent >= clock.limit:
                    control.should_save = True
                    control.should_training_stop = True

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
                if not logs or "reward" not in logs:
                    return
                times = clock.times(trainer.generation_seconds, time.monotonic() - self.started)
                logs.update(times)
                state.log_history[-1].update(times)
                log({"step": state.global_step, **logs})

        trainer.add_callback(Timing())

    def times(self, generation: float, step: float) -> dict[str, float]:
        """Splits a step's seconds, and says what the judge was asked and spared."""
        cost = self.costs[-1]
        return {
            "seconds_total": self.spent,
            "seconds_step": step,
            "seconds_generation": generation,
            "seconds_reward": cost.seconds,
            "seconds_update": max(0.0, step - generation - cost.seconds),
            "rollouts": cost.rollouts,
            "rollouts_distinct": cost.distinct,
            "rollouts_gated": cost.gated,
            "questions": cost.usage.questions,
            "questions_asked": cost.usage.asked,
            "prompt_tokens": cost.usage.prompt_tokens,
            "cached_tokens": cost.usage.cached_tokens,
        }
