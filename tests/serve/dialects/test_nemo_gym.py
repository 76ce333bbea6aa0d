"""NeMo Gym's verify: what was sent comes back with the reward, its components, and a mark on what is missing."""

import pytest
from served_reward import PLAIN, candidate_of, fails_on

WEIGHED = (
    PLAIN
    + "checks:\n  - {check: length, max_words: 3, weight: 0.3}\n  - {check: artifacts, weight: 0.1}\nrange: [-1, 1]\n"
)


def body(answer: str, **columns: object) -> dict[str, object]:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer}]}
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    return {
        "responses_create_params": {"input": [{"role": "user", "content": "Q"}], "temperature": 1.0},
        "response": {"id": "r", "object": "response", "output": [thought, said]},
        **columns,
    }


async def test_the_request_comes_back_whole_with_its_reward(serving, scripted_model):
    running = await serving(
        scripted_model(0.7), PLAIN.replace("Question: prompt", "Question: prompt, Document: contract")
    )
    sent = body("It is so.", contract="ten days", agent_ref={"name": "x"})

    status, told = await running.post("/verify", sent)

    assert status == 200
    assert {name: told[name] for name in sent} == sent
    assert (told["reward"], told["mask_sample"], told["failure_kind"], told["failure_reason"]) == (
        0.7,
        False,
        None,
        None,
    )
    assert "ten days" in candidate_of(running.model.asked[0])
    assert ">\nIt is so.\n<" in candidate_of(running.model.asked[0])


@pytest.mark.parametrize("answer", ["fine", "one two three four", "low", "low two three four five", "odd\u200b"])
async def test_the_components_have_the_same_names_and_add_up_to_the_reward_exactly(
    serving, scripted_model, answer: str
):
    running = await serving(scripted_model(fails_on()), WEIGHED)

    _, told = await running.post("/verify", body(answer))

    assert list(told["reward_components"]) == ["length", "artifacts", "judge"]
    assert sum(told["reward_components"].values()) == told["reward"]


async def test_a_missing_score_is_masked_and_named_and_no_reward_is_made_of_it(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")), WEIGHED)

    status, told = await running.post("/verify?deadline=0.1", body("broken"))

    assert status == 200
    assert told["mask_sample"] is True
    assert told["failure_kind"] == "judge_failed"
    assert told["failure_reason"].startswith("timeout: good")
    assert told["reward"] == 0.0
    assert sum(told["reward_components"].values()) == told["reward"]


async def test_where_a_masked_sample_still_votes_it_votes_for_the_mean_of_its_siblings(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))
    for answer in ("fine", "low"):
        await running.post("/verify", body(answer))

    _, told = await running.post("/verify", body("broken"))

    assert told["mask_sample"] is True
    assert told["reward"] == pytest.approx(0.5)
    assert sum(told["reward_components"].values()) == told["reward"]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"responses_create_params": {}}, {"responses_create_params": {"input": "Q"}, "response": {"output": "a"}}],
)
async def test_what_is_no_verify_request_is_refused(serving, scripted_model, wrong: dict[str, object]):
    running = await serving(scripted_model(0.7))

    assert (await running.post("/verify", wrong))[0] == 422


async def test_instructions_are_the_first_turn_of_the_prompt(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    sent = body("a")
    sent["responses_create_params"] = {"instructions": "Be brief.", "input": "Q"}

    assert (await running.post("/verify", sent))[0] == 200
    assert "system: Be brief.\n\nuser: Q" in candidate_of(running.model.asked[0])
