"""Answers of the policy: each prompt's own, whatever else shares its batch."""

from typing import Any

import pytest
import torch

from dikast.records import Message, Rollout
from dikast.train.generate import Sampling, answered, generate, prompt_text

PROMPTS = [
    "The Supplier pays every invoice",
    "Either",
    (Message(role="user", content="The Customer keeps all confidential information secret"),),
    "Liability is limited",
    "Either",
]
GREEDY = Sampling(max_new_tokens=10)


def one_by_one(model: Any, tokenizer: Any) -> list[str]:
    """Greedy decoding as everybody writes it, without padding, batch or cache."""
    texts = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt_text(tokenizer, prompt), return_tensors="pt", add_special_tokens=False)["input_ids"]
        start = ids.shape[1]
        for _ in range(GREEDY.max_new_tokens):
            with torch.no_grad():
                ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], dim=1)
            if ids[0, -1] == tokenizer.eos_token_id:
                break
        texts.append(tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip())
    return texts


@pytest.mark.usefixtures("whole_precision")
@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_greedy_answers_come_in_the_prompts_order_and_no_batch_changes_them(
    model: Any, tokenizer: Any, batch_size: int
):
    answers = generate(model, tokenizer, PROMPTS, GREEDY, batch_size=batch_size)

    assert answers == [[text] for text in one_by_one(model, tokenizer)]
    assert len({text for [text] in answers}) == 4


def test_sampled_answers_are_as_many_as_asked_for_and_belong_to_their_prompt(model: Any, tokenizer: Any):
    sampling = Sampling(max_new_tokens=8, temperature=1.0, samples=3, seed=5)

    answers = generate(model, tokenizer, PROMPTS, sampling, batch_size=4)

    assert [len(texts) for texts in answers] == [3] * len(PROMPTS)
    assert len({text for texts in answers for text in texts}) > len(PROMPTS)


def test_the_same_seed_gives_the_same_answers_and_another_one_others(model: Any, tokenizer: Any):
    def drawn(seed: int) -> list[list[str]]:
        return generate(model, tokenizer, PROMPTS, Sampling(max_new_tokens=8, temperature=1.0, samples=2, seed=seed))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_low_temperature_comes_to_the_greedy_answer(model: Any, tokenizer: Any):
    cold = Sampling(max_new_tokens=10, temperature=1e-5, samples=2)

    answers = generate(model, tokenizer, PROMPTS, cold)

    assert answers == [texts * 2 for texts in generate(model, tokenizer, PROMPTS, GREEDY)]


def test_no_prompts_are_no_answers(model: Any, tokenizer: Any):
    assert generate(model, tokenizer, [], GREEDY) == []


def test_progress_counts_every_prompt_once(model: Any, tokenizer: Any):
    told: list[int] = []

    generate(model, tokenizer, PROMPTS, GREEDY, batch_size=2, progress=told.append)

    assert told == [2, 2, 1]


def test_one_answer_keeps_its_rollouts_id_and_several_are_numbered():
    rollouts = [
        Rollout(id="a", group="g", prompt="p", completion=""),
        Rollout(id="b", group="h", prompt="q", completion=""),
    ]

    made = answered(rollouts, [["one"], ["first", "second"]])

    assert [(r.id, r.group, r.prompt, r.completion) for r in made] == [
        ("a", "g", "p", "one"),
        ("b#0", "h", "q", "first"),
        ("b#1", "h", "q", "second"),
    ]


def test_answers_that_do_not_fit_the_rollouts_are_a_bug():
    with pytest.raises(ValueError, match="shorter"):
        answered([Rollout(id="a", group="g", prompt="p", completion="")], [])
