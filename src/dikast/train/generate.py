"""Answers prompts with the policy: greedily, or sampled with a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from dikast.records import Message, Rollout
from dikast.train.policy import fast_products

Prompt = str | tuple[Message, ...]


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How completions are drawn. Temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    samples: int = 1
    seed: int = 0


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    *,
    batch_size: int = 32,
    progress: Callable[[int], None] | None = None,
) -> list[list[str]]:
    """Gives `sampling.samples` completions for each prompt, in the prompts' order.

    Prompts of like length share a batch, so that little is padded; the seed is set once for the whole
    call. `batch_size` counts completions.
    """
    import torch

    model.eval()
    texts = [prompt_text(tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    per_batch = max(1, batch_size // sampling.samples)
    found: dict[int, list[str]] = {}
    torch.manual_seed(sampling.seed)
    for start in range(0, len(order), per_batch):
        batch = order[start : start + per_batch]
        answers = _generate_batch(model, tokenizer, [texts[at] for at in batch], sampling)
        for place, at in enumerate(batch):
            found[at] = answers[place * sampling.samples : (place + 1) * sampling.samples]
        if progress:
            progress(len(batch))
    return [found[at] for at in range(len(texts))]


def prompt_text(tokenizer: Any, prompt: Prompt) -> str:
    """Renders a prompt as the model reads it, up to where its answer begins."""
    if isinstance(prompt, str):
        return prompt
    turns = [{"role": turn.role, "content": turn.content} for turn in prompt]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def answered(rollouts: Sequence[Rollout], completions: Sequence[Sequence[str]]) -> list[Rollout]:
    """Gives one rollout for each completion of each prompt; ids get the sample's number where there are several."""
    made: list[Rollout] = []
    for rollout, texts in zip(rollouts, completions, strict=True):
        for at, text in enumerate(texts):
            name = rollout.id if len(texts) == 1 else f"{rollout.id}#{at}"
            made.append(msgspec.structs.replace(rollout, id=name, completion=text))
    return made


def _generate_batch(model: Any, tokenizer: Any, texts: list[str], sampling: Sampling) -> list[str]:
    import torch

    encoded = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    drawn = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    with torch.inference_mode(), fast_products():
        out = model.generate(
            **encoded,
            max_new_tokens=sampling.max_new_tokens,
            num_return_sequences=sampling.samples,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **(drawn if sampling.temperature > 0 else {"do_sample": False}),
        )
    new = out[:, encoded["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
