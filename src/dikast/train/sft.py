"""Supervised fine-tuning on references: the warm start before RL, and the long control run.

The control run is what an honest comparison needs: the same examples and as much wall time as the
warm start and RL together, keeping the step with the lowest validation loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dikast.errors import DataError
from dikast.records import Rollout
from dikast.spec.run import SftSpec
from dikast.train.policy import fast_products, has_bfloat16

Log = Callable[[dict[str, Any]], None]

IGNORED = -100
"""The label of a token that is not learnt, as transformers marks it."""


class SftOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of supervised fine-tuning did."""

    steps: int
    seconds: float
    best_step: int | None = None
    best_valid_loss: float | None = None


def examples_of(rollouts: Sequence[Rollout], count: int) -> list[Rollout]:
    """Takes the rows that may be learnt from: spread evenly over the file, so that every kind is among them."""
    if not rollouts:
        raise DataError("sft: the training file has no rows")
    count = min(count, len(rollouts))
    return [rollouts[at * len(rollouts) // count] for at in range(count)]


def run_sft(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Rollout],
    spec: SftSpec,
    *,
    seed: int,
    work: Path,
    log: Log,
) -> SftOutcome:
    """Trains for `spec.steps` steps on the references, at a constant learning rate after a short warm-up."""
    started = time.monotonic()
    trainer = _trainer(
        model, tokenizer, examples, spec, seed=seed, work=work, steps=spec.steps, callbacks=[_logging(log)]
    )
    trainer.train()
    return SftOutcome(steps=trainer.state.global_step, seconds=time.monotonic() - started)


def run_sft_long(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Rollout],
    valid: Sequence[Rollout],
    spec: SftSpec,
    *,
    seconds: float,
    seed: int,
    work: Path,
    log: Log,
) -> SftOutcome:
    """Trains for up to `seconds` and leaves the model at its best validation step.

    It stops before its time only after `spec.long_patience` looks without a lower validation loss.
    """
    started = time.monotonic()
    keep = _keep_best(model, seconds=seconds, patience=spec.long_patience)
    trainer = _trainer(
        model,
        tokenizer,
        examples,
        spec,
        seed=seed,
        work=work,
        steps=1_000_000,
        valid=valid,
        callbacks=[_logging(log), keep],
    )
    trainer.train()
    keep.restore()
    return SftOutcome(
        steps=trainer.state.global_step,
        seconds=time.monotonic() - started,
        best_step=keep.best_step,
        best_valid_loss=keep.best_loss,
    )


def _trainer(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Rollout],
    spec: SftSpec,
    *,
    seed: int,
    work: Path,
    steps: int,
    callbacks: list[Any],
    valid: Sequence[Rollout] | None = None,
) -> Any:
    from transformers import PrinterCallback
    from trl.trainer.sft_config import SFTConfig

    evaluated: dict[str, Any] = (
        {"eval_strategy": "steps", "eval_steps": spec.long_valid_every, "per_device_eval_batch_size": 16}
        if valid
        else {}
    )
    config = SFTConfig(
        output_dir=str(work),
        max_steps=steps,
        per_device_train_batch_size=spec.batch_size,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=2,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        seed=seed,
        disable_tqdm=True,
        use_cpu=True,
        bf16=has_bfloat16(),
        activation_checkpointing=False,
        max_length=1024,
        **evaluated,
    )
    trainer = answer_loss_trainer()(
        model=model,
        args=config,
        processing_class=tokenizer,
        train_dataset=_dataset(examples),
        eval_dataset=_dataset(valid) if valid else None,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def answer_loss_trainer() -> type[Any]:
    """Gives TRL's trainer with its loss computed at the tokens of the answer only, and without its metrics.

    The loss is the same. The vocabulary is the widest product of a small model, and most tokens are the prompt's.
    """
    from torch.nn.functional import cross_entropy
    from trl.trainer.sft_trainer import SFTTrainer

    class AnswerLossTrainer(SFTTrainer):
        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs["labels"][:, 1:]
            learnt = labels != IGNORED
            # The trainer wraps only the model's own call in these.
            with fast_products():
                states = model.get_decoder()(
                    input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False
                ).last_hidden_state[:, :-1]
                logits = model.get_output_embeddings()(states[learnt])
            total = cross_entropy(logits.float(), labels[learnt], reduction="sum")
            loss = total / (learnt.sum() if num_items_in_batch is None else num_items_in_batch)
            return (loss, {}) if return_outputs else loss

    return AnswerLossTrainer


def _dataset(rollouts: Sequence[Rollout]) -> Any:
    from datasets import Dataset

    rows: list[dict[str, Any]] = []
    for rollout in rollouts:
        if rollout.reference is None:
            raise DataError(f"sft: row '{rollout.id}' has no 'reference' to learn from")
        if isinstance(rollout.prompt, str):
            rows.append({"prompt": rollout.prompt, "completion": rollout.reference})
        else:
            turns = [{"role": turn.role, "content": turn.content} for turn in rollout.prompt]
            rows.append({"prompt": turns, "completion": [{"role": "assistant", "content": rollout.reference}]})
    return Dataset.from_list(rows)


def _logging(log: Log) -> Any:
    from transformers import TrainerCallback

    class Logging(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and ("loss" in logs or "eval_loss" in logs):
                log({"step": state.global_step, **logs})

    return Logging()


def _keep_best(model: Any, *, seconds: float, patience: int) -> Any:
    from transformers import TrainerCallback

    class KeepBest(TrainerCallback):
        """Keeps the weights of the lowest validation loss in memory, and stops at the time or the patience."""

        def __init__(self) -> None:
            self.deadline = time.monotonic() + seconds
            self.best_loss: float | None = None
            self.best_step: int | None = None
            self.weights: dict[str, Any] | None = None
            self.worse = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if time.monotonic() >= self.deadline:
                control.should_evaluate = True
                control.should_training_stop = True

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
            loss = (metrics or {})["eval_loss"]
            if self.best_loss is None or loss < self.best_loss:
                self.best_loss, self.best_step, self.worse = loss, state.global_step, 0
                self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
            else:
                self.worse += 1
                control.should_training_stop |= self.worse >= patience

        def restore(self) -> None:
            if self.weights is not None:
                model.load_state_dict(self.weights)

    return KeepBest()
