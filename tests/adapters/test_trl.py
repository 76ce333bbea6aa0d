"""The reward in TRL's own trainer: masked where it is missing, judged once where equal, logged in parts."""

import math

import pytest

from dikast.adapters.trl import TrlReward
from dikast.errors import ModelError

REWARD = """
name: n
objective: Judge.
inputs: {Document: text}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # TRL's own call into transformers
def test_a_grpo_trainer_masks_what_is_missing_and_logs_the_parts(judged_by, scripted_model, tmp_path):
    from datasets import Dataset
    from trl import GRPOConfig

    from dikast.train.prefix import PrefixSharingGRPOTrainer
    from dikast.train.tiny import make_model, make_tokenizer

    calls = [0]

    def answer(request):
        calls[0] += 1
        return ModelError("timeout", "60 s") if calls[0] % 4 == 0 else 0.2 + 0.1 * (calls[0] % 4)

    model = scripted_model(answer)
    reward = judged_by(REWARD, model)
    costs = []
    tokenizer = make_tokenizer(["Say apple: apple", "Say pear: pear"])
    settings = {
        "output_dir": str(tmp_path),
        "max_steps": 2,
        "num_generations": 4,
        "per_device_train_batch_size": 8,
        "max_completion_length": 6,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "disable_tqdm": True,
    }
    trainer = PrefixSharingGRPOTrainer(
        model=make_model(len(tokenizer), tokenizer),
        args=GRPOConfig(**settings),
        processing_class=tokenizer,
        reward_funcs=TrlReward(reward, note=costs.append),
        train_dataset=Dataset.from_list([{"prompt": f"Say {word}:", "text": word} for word in ("apple", "pear")] * 4),
    )

    trainer.train()

    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(steps) == 2
    assert all(math.isfinite(step["loss"]) for step in steps)
    assert all(0 < step["part/good"] < 1 for step in steps)
    assert all(step["share/missing"] > 0 for step in steps)
    assert all(math.isfinite(value.sum().item()) for value in trainer.model.parameters())
    assert sum(cost.missing for cost in costs) > 0
    assert len(reward.journal.scores("rl")) == 16


async def test_equal_completions_are_judged_once_and_missing_is_none(judged_by, scripted_model):
    def answer(request):
        return ModelError("refused", "no") if "bad" in request.messages[-1].content else 0.25

    model = scripted_model(answer)
    metrics, extras = {}, {}
    trl = TrlReward(judged_by(REWARD, model))

    rewards = await trl(
        prompts=["p", "p", "p"],
        completions=["same", "same", "bad"],
        completion_ids=[[1], [1], [2]],
        text=["d", "d", "d"],
        log_metric=metrics.__setitem__,
        log_extra=extras.__setitem__,
    )

    assert rewards == [pytest.approx(0.25), pytest.approx(0.25), None]
    assert len(model.asked) == 2
    assert metrics["share/missing"] == pytest.approx(1 / 3)
    assert extras["score_status"] == ["scored", "scored", "missing"]
