"""The reward inside TRL's own trainer: a missing judgment moves nothing, and nothing else is lost for it."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from datasets import Dataset
from plain_reward import ONE
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from dikast.adapters.trl import TrlReward
from dikast.errors import ModelError, UnavailableError
from dikast.models.base import Request

# TRL asks transformers for it by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


class WatchedTrainer(GRPOTrainer):
    """Keeps what the trainer made of the rewards of each batch."""

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        batch = super()._generate_and_score_completions(inputs)
        self.advantages = [*getattr(self, "advantages", []), batch["advantages"].tolist()]
        return batch


class FirstOfEachStepFails:
    """Believes in a completion by its length; the first one that it is asked about in each step cannot be judged."""

    def __init__(self, per_step: int) -> None:
        self.per_step = per_step
        self.failed: list[str] = []
        self.asked = 0

    def __call__(self, request: Request) -> float | Exception:
        candidate = re.search(r"<([0-9a-f]{16})>\n(.*)\n</\1>", request.messages[-1].content, flags=re.DOTALL)
        text = candidate[2] if candidate else ""
        self.asked += 1
        if len(self.failed) * self.per_step < self.asked:
            self.failed.append(text)
            return ModelError("timeout", "late")
        return 1 / (1 + len(text))


@pytest.fixture
def trainer_of(model: Any, tokenizer: Any, rows: Any, settings_of: Callable[..., dict[str, Any]]):
    def make(reward: TrlReward, **changes: Any) -> WatchedTrainer:
        data = [
            {"prompt": [{"role": t.role, "content": t.content} for t in row.prompt], **row.columns} for row in rows[:2]
        ]
        return WatchedTrainer(
            model=model,
            args=GRPOConfig(**settings_of(**changes)),
            processing_class=tokenizer,
            reward_funcs=reward,
            train_dataset=Dataset.from_list(data),
        )

    return make


def weights_of(model: Any) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten().clone() for parameter in model.parameters()])


def test_a_rollout_whose_judgment_is_missing_gets_no_advantage_and_nothing_becomes_nan(
    trainer_of: Any, judged_by: Any, scripted_model: Any
):
    judge = FirstOfEachStepFails(per_step=4)
    reward = judged_by(ONE, scripted_model(judge))
    trainer = trainer_of(TrlReward(reward))
    before = weights_of(trainer.model)

    trainer.train()

    assert trainer.state.global_step == 2
    assert len(trainer.advantages) == 2
    for advantages in trainer.advantages:
        failed, *others = advantages
        assert failed == 0.0
        assert all(map(math.isfinite, others))
        assert sum(others) == pytest.approx(0.0, abs=1e-4)
        assert max(others) > 0.1
    after = weights_of(trainer.model)
    assert bool(torch.isfinite(after).all())
    assert not torch.equal(before, after)


def test_the_trainers_log_has_the_parts_the_shares_and_no_nan(trainer_of: Any, judged_by: Any, scripted_model: Any):
    judge = FirstOfEachStepFails(per_step=4)
    trainer = trainer_of(TrlReward(judged_by(ONE, scripted_model(judge))))

    trainer.train()

    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(steps) == 2
    for entry in steps:
        assert entry["share/missing"] == 0.25
        assert entry["share/gated"] == 0.0
        assert entry["part/good"] == pytest.approx(entry["reward"], abs=1e-6)
        assert entry["rewards/dikast/mean"] == pytest.approx(entry["reward"], abs=1e-6)
        assert all(math.isfinite(value) for value in entry.values() if isinstance(value, float))


def test_group_mean_gives_the_same_advantage_of_zero(trainer_of: Any, judged_by: Any, scripted_model: Any):
    judge = FirstOfEachStepFails(per_step=4)
    reward = TrlReward(judged_by(ONE, scripted_model(judge)), on_missing="group_mean")
    trainer = trainer_of(reward, max_steps=1)

    trainer.train()

    [[failed, *others]] = trainer.advantages
    assert failed == pytest.approx(0.0, abs=1e-4)
    assert max(others) > 0.1


def test_a_step_without_any_judgment_moves_nothing(trainer_of: Any, judged_by: Any, scripted_model: Any):
    trainer = trainer_of(TrlReward(judged_by(ONE, scripted_model(ModelError("timeout", "late")))), max_steps=1)
    before = weights_of(trainer.model)

    trainer.train()

    assert trainer.advantages == [[0.0] * 4]
    assert torch.equal(weights_of(trainer.model), before)


def test_equal_completions_are_judged_once(trainer_of: Any, judged_by: Any, scripted_model: Any):
    model = scripted_model(0.5, concurrency=16)
    trainer = trainer_of(TrlReward(judged_by(ONE, model)), top_k=1, max_steps=1)

    trainer.train()

    assert len(model.asked) == 1
    assert len(trainer.advantages[0]) == 4


def test_wrong_credentials_stop_the_training_as_they_are(trainer_of: Any, judged_by: Any, scripted_model: Any):
    reward = judged_by(ONE, scripted_model(UnavailableError("no such key"), concurrency=16))

    with pytest.raises(UnavailableError, match=r"^no such key$"):
        trainer_of(TrlReward(reward)).train()
