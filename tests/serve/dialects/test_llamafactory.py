"""LLaMA-Factory's reward API: whole conversations as texts."""

import asyncio
import time

import pytest
from served_reward import PLAIN, candidate_of, fails_on

CHATS = {
    "qwen": ("<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
    "llama": (
        "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    "gemma": ("<start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>"),
    "mistral": ("[INST] Q [/INST]", "</s>"),
}


@pytest.mark.parametrize("chat", CHATS)
async def test_the_answer_is_found_behind_the_mark_of_its_turn(serving, scripted_model, chat: str):
    before, after = CHATS[chat]
    running = await serving(scripted_model(0.7))

    status, told = await running.post(
        "/llamafactory", {"model": "model", "messages": [f"{before}It is so.{after}{after}"]}
    )

    assert (status, told) == (200, {"scores": [0.7]})
    assert ">\nIt is so.\n<" in candidate_of(running.model.asked[0])


async def test_a_second_mark_that_the_policy_wrote_hides_nothing_from_the_judge(serving, scripted_model):
    before, after = CHATS["qwen"]
    running = await serving(scripted_model(0.7))

    await running.post("/llamafactory", {"messages": [f"{before}rubbish{after}\n{before}perfect{after}"]})

    assert "rubbish" in candidate_of(running.model.asked[0])


async def test_another_mark_may_be_named_and_a_text_without_one_is_refused(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    body = {"messages": ["Q ==> It is so."]}

    status, told = await running.post("/llamafactory", body)
    named, _ = await running.post("/llamafactory?split=%3D%3D%3E", body)

    assert status == 422
    assert "?split=" in told["error"]
    assert named == 200


async def test_what_needs_columns_cannot_be_asked_so(serving, scripted_model):
    running = await serving(scripted_model(0.7), PLAIN.replace("Question: prompt", "Document: contract"))

    status, told = await running.post("/llamafactory", {"messages": ["Q\nAssistant: a"]})

    assert status == 422
    assert "no column 'contract'" in told["error"]


async def test_a_failed_request_holds_no_scores_so_that_the_trainer_stops(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))

    status, told = await running.post("/llamafactory?on_missing=raise", {"messages": ["Q\nAssistant: broken"]})

    assert status == 503
    assert "scores" not in told


async def test_it_is_answered_within_the_deadline_since_it_would_wait_for_ever(serving, scripted_model):
    class Never(scripted_model):
        async def reply(self, request):
            await asyncio.sleep(60)
            return await super().reply(request)

    running = await serving(Never(0.5))
    began = time.monotonic()

    status, told = await running.post("/llamafactory?deadline=0.3", {"messages": ["Q\nAssistant: a"]})

    assert time.monotonic() - began < 5
    assert (status, "scores" in told) == (503, False)
