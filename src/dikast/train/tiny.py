"""A tiny policy made from scratch: a few million parameters, a tokenizer of its own, minutes on two cores.

It stands in for a real policy where time is short: the quick demo and the tests. It shows that every
stage works; it is no evidence about language models.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dikast.records import Rollout

VOCABULARY = 2048
PRETRAIN_STEPS = 150
BATCH = 16
WINDOW = 256
LEARNING_RATE = 2e-3

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_policy(target: Path, rows: Sequence[Rollout], *, seed: int, steps: int = PRETRAIN_STEPS) -> dict[str, Any]:
    """Trains a tokenizer and a small Llama on the rows' own text, and saves them as a checkpoint."""
    import torch

    started = time.monotonic()
    texts = [chat_text(row) for row in rows]
    tokenizer = make_tokenizer(texts)
    torch.manual_seed(seed)
    model = make_model(len(tokenizer), tokenizer)
    loss = pretrain(model, tokenizer, texts, steps=steps)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": loss,
        "seconds": time.monotonic() - started,
    }


def chat_text(row: Rollout) -> str:
    """Gives a prompt as plain text, without its answer: what the policy may have read before it is taught."""
    if isinstance(row.prompt, str):
        return row.prompt
    turns = "".join(f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in row.prompt)
    return turns + "<|im_start|>assistant\n"


def make_tokenizer(texts: Sequence[str]) -> Any:
    """Trains a byte-level BPE tokenizer with the chat's marks as tokens of their own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|im_end|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(vocabulary: int, tokenizer: Any) -> Any:
    """Makes a Llama with four layers and random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=6,
            num_key_value_heads=6,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def pretrain(model: Any, tokenizer: Any, texts: Sequence[str], *, steps: int) -> float:
    """Next-token prediction on random windows of the texts; gives the last step's loss in nats a token."""
    import torch

    stream = torch.tensor([token for text in texts for token in tokenizer.encode(text, add_special_tokens=False)])
    window = min(WINDOW, len(stream) - 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    model.train()
    loss = torch.tensor(float("nan"))
    for _ in range(steps):
        starts = torch.randint(0, len(stream) - window, (BATCH,))
        batch = torch.stack([stream[start : start + window] for start in starts])
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach())
