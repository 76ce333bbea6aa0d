"""The tiny policy: its tokenizer, its chat, and that it learns."""

from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dikast.records import Message, Rollout
from dikast.train.generate import prompt_text
from dikast.train.policy import load_policy
from dikast.train.tiny import chat_text, make_model, pretrain, tiny_policy


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_comes_back_from_its_tokens(tokenizer: Any, text: str):
    ids = tokenizer.encode(text, add_special_tokens=False)

    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_the_marks_of_a_chat_are_tokens_of_their_own(tokenizer: Any):
    assert tokenizer.encode("<|im_end|>") == [tokenizer.eos_token_id]
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


def test_the_text_it_reads_before_it_is_taught_is_the_prompt_as_generation_gives_it(
    tokenizer: Any, rows: list[Rollout]
):
    turns = (Message(role="system", content="s"), Message(role="user", content="u"))
    row = Rollout(id="r", group="g", prompt=turns, completion="", reference="the answer")

    assert chat_text(row) == prompt_text(tokenizer, turns)
    assert chat_text(row) == "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n"
    assert all(row.reference not in chat_text(row) for row in rows if row.reference)


def test_a_plain_prompt_is_read_as_it_is():
    assert chat_text(Rollout(id="r", group="g", prompt="plain", completion="")) == "plain"


def test_pretraining_lowers_the_loss(tokenizer: Any, rows: list[Rollout]):
    torch.manual_seed(0)
    model = make_model(len(tokenizer), tokenizer)
    texts = [chat_text(row) for row in rows]

    first = pretrain(model, tokenizer, texts, steps=1)
    later = pretrain(model, tokenizer, texts, steps=12)

    assert later < first - 1


def test_a_policy_made_from_scratch_is_a_checkpoint_that_loads(tmp_path: Path, rows: list[Rollout]):
    found = tiny_policy(tmp_path, rows, seed=0, steps=2)

    model, tokenizer = load_policy(tmp_path)

    assert found["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert model.dtype == torch.float32
    assert tokenizer.padding_side == "left"
    assert prompt_text(tokenizer, rows[0].prompt) == chat_text(rows[0])


def test_the_same_seed_makes_the_same_policy(tmp_path: Path, rows: list[Rollout]):
    one, other, third = (
        tiny_policy(tmp_path / name, rows, seed=seed, steps=2) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )

    assert one["loss"] == other["loss"] != third["loss"]
