"""GRPO that computes a prompt once for all of its completions.

The stock trainer runs prompt and completion together for every completion, in generation and in the
update. With eight completions of a short answer to a long prompt most of that work is the same prompt
again. Here the prompt's keys and values are computed once, with gradients, and spread over the
completions; log-probabilities and gradients are those of the stock trainer up to rounding (tested).
"""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import DynamicCache
from trl.trainer.grpo_trainer import GRPOTrainer

from dikast.train.policy import fast_products


class PrefixSharingGRPOTrainer(GRPOTrainer):
    """TRL's GRPO trainer for text-only causal models without tools, with shared prompts."""

    generation_seconds: float = 0.0
    """Wall time of the latest generation."""

    def _generate_single_turn(
        self,
        prompt_ids: Any,
        images: Any,
        multimodal_fields: Any,
        num_generations: Any,
        has_tool_images: Any = False,
    ) -> tuple[list[list[int]], None]:
        started = time.monotonic()
        model: Any = self.accelerator.unwrap_model(self.model_wrapped)
        tokenizer: Any = self._tokenizer
        was_training = model.training
        model.eval()
        ids, mask = _padded(prompt_ids, tokenizer.pad_token_id)
        with torch.no_grad(), fast_products():
            # generate() must find one token that is not cached yet: the prompt's last.
            cache, _ = prompt_cache(model, ids[:, :-1], mask[:, :-1], from_first_token=True)
            out: Any = model.generate(
                input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=self.generation_config
            )
        model.train(was_training)
        self.generation_seconds = time.monotonic() - started
        return [_to_eos(row, self.eos_token_ids) for row in out[:, ids.shape[1] :].tolist()], None

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        with fast_products():
            logps, entropies = completion_logps(
                self.accelerator.unwrap_model(model),
                input_ids,
                attention_mask,
                logits_to_keep,
                temperature=self.temperature,
                compute_entropy=compute_entropy,
            )
        return logps, entropies, None


def completion_logps(
    model: Any,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    kept: int,
    *,
    temperature: float,
    compute_entropy: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Gives log-probabilities (rows, kept) of the last `kept` tokens, and their entropies in nats if asked."""
    prompt_length = input_ids.shape[1] - kept
    prompts, masks = input_ids[:, :prompt_length], attention_mask[:, :prompt_length]
    cache, last_hidden = prompt_cache(model, prompts, masks)
    completions = input_ids[:, prompt_length:]
    hidden = model.model(
        input_ids=completions[:, :-1],
        attention_mask=attention_mask[:, :-1],
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    logits = model.lm_head(torch.cat([last_hidden.unsqueeze(1), hidden], dim=1)).float() / temperature
    log_normalizer = logits.logsumexp(dim=-1)
    logps = logits.gather(-1, completions.unsqueeze(-1)).squeeze(-1) - log_normalizer
    if not compute_entropy:
        return logps, None
    with torch.no_grad():
        entropies = log_normalizer - (logits.softmax(dim=-1) * logits).sum(dim=-1)
    return logps, entropies


def prompt_cache(
    model: Any, prompts: torch.Tensor, masks: torch.Tensor, *, from_first_token: bool = False
) -> tuple[DynamicCache, torch.Tensor]:
    """Runs each distinct prompt once; gives keys and values, and the last hidden state, for every row.

    `from_first_token` counts positions from each row's first token, as generate() does, not from its padding:
    what follows must be counted in the same way.
    """
    distinct, row_of = torch.unique(torch.cat([prompts, masks], dim=1), dim=0, return_inverse=True)
    ids, mask = distinct.split(prompts.shape[1], dim=1)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0) if from_first_token else None
    out = model.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True)
    spread = DynamicCache()
    for at, layer in enumerate(out.past_key_values.layers):
        spread.update(layer.keys.index_select(0, row_of), layer.values.index_select(0, row_of), at)
    return spread, out.last_hidden_state[:, -1].index_select(0, row_of)


def _padded(rows: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads rows of token ids on the left; gives ids and mask."""
    width = max(len(row) for row in rows)
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def _to_eos(row: list[int], eos: list[int]) -> list[int]:
    """Cuts a row behind its first end token."""
    for at, token in enumerate(row):
        if token in eos:
            return row[: at + 1]
    return row
