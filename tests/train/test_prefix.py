"""A prompt computed once gives what the stock computation gives."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from dikast.train.prefix import completion_logps, prompt_cache

KEPT = 9


@pytest.fixture
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=200,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=199,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Two prompts, one padded on the left, with four completions each, one of them short."""
    prompts = torch.randint(1, 199, (2, 20))
    ids = torch.cat([prompts.repeat_interleave(4, 0), torch.randint(1, 199, (8, KEPT))], dim=1)
    mask = torch.ones_like(ids)
    mask[:4, :5] = 0
    mask[2, 25:] = 0
    return ids, mask


def stock(model, ids, mask, temperature):
    logits = model(input_ids=ids, attention_mask=mask).logits[:, -KEPT - 1 : -1].float() / temperature
    logps = logits.log_softmax(-1)
    entropies = -(logps.exp() * logps).sum(-1)
    return logps.gather(-1, ids[:, -KEPT:, None]).squeeze(-1), entropies


def test_log_probabilities_and_entropies_are_the_stock_ones(model, batch):
    ids, mask = batch
    real = mask[:, -KEPT:].bool()

    logps, entropies = completion_logps(model, ids, mask, KEPT, temperature=0.9, compute_entropy=True)
    expected, expected_entropies = stock(model, ids, mask, 0.9)

    torch.testing.assert_close(logps[real], expected[real], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(entropies[real], expected_entropies[real], atol=1e-4, rtol=1e-4)


def test_gradients_are_the_stock_ones(model, batch):
    ids, mask = batch
    weights = torch.randn(8, KEPT) * mask[:, -KEPT:]

    def gradients(logps: torch.Tensor) -> list[torch.Tensor]:
        model.zero_grad()
        (logps * weights).sum().backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    ours = gradients(completion_logps(model, ids, mask, KEPT, temperature=1.0, compute_entropy=False)[0])
    theirs = gradients(stock(model, ids, mask, 1.0)[0])

    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, atol=1e-4, rtol=1e-3)


def test_generation_from_a_shared_prompt_is_the_stock_one(model, batch):
    prompts, masks = batch[0][:, :20], batch[1][:, :20]
    settings = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0, "eos_token_id": 199}

    with torch.no_grad():
        cache, _ = prompt_cache(model, prompts[:, :-1], masks[:, :-1])
        ours = model.generate(input_ids=prompts, attention_mask=masks, past_key_values=cache, **settings)
        theirs = model.generate(input_ids=prompts, attention_mask=masks, **settings)

    assert torch.equal(ours, theirs)
