"""Sharing a prompt among its completions changes the cost, and no number."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from dikast.train.prefix import PrefixSharingGRPOTrainer, completion_logps, prompt_cache

# TRL asks transformers for it by its old name.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.usefixtures("whole_precision"),
]

TEMPERATURE = 0.9


def batch(*, vocabulary: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eight completions of nine tokens to three prompts, two of them padded on the left, one cut short."""
    torch.manual_seed(1)
    prompts = torch.randint(3, vocabulary, (3, 20)).repeat_interleave(torch.tensor([4, 3, 1]), dim=0)
    ids = torch.cat([prompts, torch.randint(3, vocabulary, (8, 9))], dim=1)
    mask = torch.ones_like(ids)
    mask[:4, :5] = 0
    mask[7, :11] = 0
    mask[2, 25:] = 0
    mask[5, 21:] = 0
    ids[mask == 0] = 0
    return ids, mask, mask[:, 20:].bool()


def plain_logps(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The computation as everybody writes it: prompt and completion together, row by row."""
    logits = model(input_ids=ids, attention_mask=mask).logits[:, 19:-1].float() / TEMPERATURE
    return logits.log_softmax(-1).gather(-1, ids[:, 20:, None]).squeeze(-1)


def shared_logps(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return completion_logps(model, ids, mask, 9, temperature=TEMPERATURE, compute_entropy=False)[0]


def gradients(model: Any, logps: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    (logps * weights).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_log_probabilities_are_those_of_the_plain_computation(model: Any, tokenizer: Any):
    ids, mask, real = batch(vocabulary=len(tokenizer))

    with torch.no_grad():
        plain, shared = plain_logps(model, ids, mask), shared_logps(model, ids, mask)

    torch.testing.assert_close(shared[real], plain[real], atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_the_plain_computation(model: Any, tokenizer: Any):
    ids, mask, real = batch(vocabulary=len(tokenizer))
    weights = torch.randn(real.shape) * real

    plain = gradients(model, plain_logps(model, ids, mask), weights)
    shared = gradients(model, shared_logps(model, ids, mask), weights)

    for name, expected in plain.items():
        scale = expected.abs().max()
        assert scale > 0
        assert (shared[name] - expected).abs().max() < 1e-4 * scale, name


def test_entropies_are_those_of_the_distribution_and_carry_no_gradient(model: Any, tokenizer: Any):
    ids, mask, real = batch(vocabulary=len(tokenizer))

    _, entropies = completion_logps(model, ids, mask, 9, temperature=TEMPERATURE, compute_entropy=True)

    logits = model(input_ids=ids, attention_mask=mask).logits[:, 19:-1].float() / TEMPERATURE
    expected = torch.distributions.Categorical(logits=logits).entropy()
    assert entropies is not None
    assert not entropies.requires_grad
    torch.testing.assert_close(entropies[real], expected[real].detach(), atol=1e-4, rtol=1e-4)


class CountingTokens(torch.nn.Module):
    """Counts the tokens that go through a model's body."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.inner, self.lm_head, self.tokens = model.model, model.lm_head, 0

    def model(self, **inputs: Any) -> Any:
        self.tokens += inputs["input_ids"].numel()
        return self.inner(**inputs)


def test_each_distinct_prompt_is_computed_once(model: Any, tokenizer: Any):
    ids, mask, _ = batch(vocabulary=len(tokenizer))
    counting = CountingTokens(model)

    with torch.no_grad():
        shared_logps(counting, ids, mask)

    assert counting.tokens == 3 * 20 + 8 * 8


def test_prompts_that_differ_in_their_padding_only_are_not_taken_for_one(model: Any):
    ids = torch.tensor([[0, 0, 5, 6], [0, 0, 5, 6]])
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])

    with torch.no_grad():
        _, hidden = prompt_cache(model, ids, mask)

    assert not torch.allclose(hidden[0], hidden[1], atol=1e-3)


@pytest.fixture
def trainer_of(model: Any, tokenizer: Any, settings_of: Callable[..., dict[str, Any]]):
    """Makes the trainer whose parts are compared with those of the stock one that it extends."""

    def make(**changes: Any) -> PrefixSharingGRPOTrainer:
        return PrefixSharingGRPOTrainer(
            model=model,
            args=GRPOConfig(**settings_of(**changes)),
            processing_class=tokenizer,
            reward_funcs=lambda completions, **_: [0.0] * len(completions),
            train_dataset=Dataset.from_list([{"prompt": "The Supplier pays"}]),
        )

    return make


def test_log_probabilities_and_entropies_are_those_of_the_stock_trainer(trainer_of: Any, tokenizer: Any):
    trainer = trainer_of(temperature=TEMPERATURE)
    ids, mask, real = batch(vocabulary=len(tokenizer))

    with torch.no_grad():
        stock, stock_entropies, _ = GRPOTrainer._get_per_token_logps_and_entropies(
            trainer, trainer.model, ids, mask, 9, compute_entropy=True
        )
        shared, entropies, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model, ids, mask, 9, compute_entropy=True
        )

    torch.testing.assert_close(shared[real], stock[real], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(entropies[real], stock_entropies[real], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "lengths", [(12, 12, 12, 12), (12, 12, 5, 5), (3, 7, 12, 2)], ids=["equal", "two lengths", "four lengths"]
)
def test_greedy_generation_is_that_of_the_stock_trainer(trainer_of: Any, tokenizer: Any, lengths: tuple[int, ...]):
    trainer = trainer_of(top_k=1, max_completion_length=24)
    torch.manual_seed(2)
    prompts = [torch.randint(3, len(tokenizer), (length,)).tolist() for length in lengths]
    prompts[1] = prompts[0] if lengths[0] == lengths[1] else prompts[1]

    stock, _ = GRPOTrainer._generate_single_turn(trainer, prompts, None, {}, 2)
    shared, logps = trainer._generate_single_turn(prompts, None, {}, 2)

    assert shared == stock
    assert logps is None
    assert len({tuple(row) for row in shared}) >= len({tuple(prompt) for prompt in prompts})
    assert trainer.generation_seconds > 0


def test_a_completion_ends_behind_its_first_end_token(trainer_of: Any, tokenizer: Any):
    trainer = trainer_of(top_k=1, max_completion_length=24)
    prompt = [5, 6, 7]
    [[*_, last], _] = trainer._generate_single_turn([prompt, prompt], None, {}, 2)[0]
    longer = trainer._generate_single_turn([prompt], None, {}, 1)[0][0]
    trainer.generation_config.eos_token_id = trainer.eos_token_ids = [longer[3]]

    stock, _ = GRPOTrainer._generate_single_turn(trainer, [prompt, [8, 9]], None, {}, 1)
    shared, _ = trainer._generate_single_turn([prompt, [8, 9]], None, {}, 1)

    assert last == longer[-1]
    assert shared == stock
    assert shared[0] == longer[: longer.index(longer[3]) + 1]


def test_generation_leaves_the_model_in_training_as_it_was(trainer_of: Any):
    trainer = trainer_of()

    for training in (True, False):
        trainer.model.train(training)
        trainer._generate_single_turn([[5, 6, 7]], None, {}, 1)
        assert trainer.model.training is training
