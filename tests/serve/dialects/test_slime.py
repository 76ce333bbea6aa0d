"""slime's remote reward: one rollout a request, and the answer is the reward."""

import asyncio

import pytest
from served_reward import PLAIN, candidate_of, fails_on


def body(answer: str, label: object = None, prompt: object = "Q") -> dict[str, object]:
    return {"prompt": prompt, "response": answer, "label": label}


async def test_the_answer_is_the_number(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    assert await running.post("/slime", body("a<|im_end|>")) == (200, 0.7)
    assert ">\na\n<" in candidate_of(running.model.asked[0])


async def test_with_a_reward_key_it_is_an_object_with_status_and_parts(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    status, told = await running.post("/slime?reward_key=score", body("a"))

    assert status == 200
    assert told == {"status": "scored", "parts": {"good": 0.7}, "score": 0.7}


async def test_chat_turns_are_a_prompt_too_and_equal_prompts_are_siblings(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))
    turns = [{"role": "user", "content": "Q"}]
    for text in ("fine", "low"):
        await running.post("/slime", body(text, prompt=turns))

    status, told = await running.post("/slime", body("broken", prompt=turns))

    assert (status, told) == (200, pytest.approx(0.5))


async def test_a_failed_rollout_waits_for_siblings_that_come_later(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))
    waiting = asyncio.create_task(running.post("/slime", body("broken")))
    await asyncio.sleep(0.1)
    assert not waiting.done()

    await running.post("/slime", body("fine"))
    await running.post("/slime", body("low"))

    assert await waiting == (200, pytest.approx(0.5))
    assert running.server.backlog.requests == 0


async def test_while_one_waits_for_siblings_it_takes_no_place_from_others(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")), max_rollouts=1)
    waiting = asyncio.create_task(running.post("/slime?deadline=5", body("broken")))
    await asyncio.sleep(0.1)

    assert running.server.backlog.rollouts == 0
    assert (await running.post("/slime", body("fine")))[0] == 200
    assert (await running.post("/slime", body("low")))[0] == 200
    assert (await waiting)[0] == 200


async def test_a_label_of_columns_may_name_group_and_prompt(serving, scripted_model):
    running = await serving(
        scripted_model(0.7), PLAIN.replace("Question: prompt", "Question: prompt, Document: contract")
    )

    status, _ = await running.post(
        "/slime", body("a", {"contract": "ten days", "prompt": "the plain question", "group": 7})
    )

    assert status == 200
    assert "the plain question" in candidate_of(running.model.asked[0])
