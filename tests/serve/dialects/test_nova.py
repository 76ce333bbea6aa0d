"""The list that Amazon Nova's trainers send, in the variants of its documents."""

import pytest
from served_reward import PLAIN, candidate_of, fails_on

DOCUMENT = PLAIN.replace("Question: prompt", "Document: contract, Known: reference")


def sample(answer: str, **fields: object) -> dict[str, object]:
    return {
        "id": "123",
        "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": answer}],
        **fields,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"reference_answer": "forty-two", "contract": "ten days"},
        {"metadata": {"reference_answer": "forty-two", "contract": "ten days"}},
        {"reference_answer": {"answer": "forty-two", "contract": "ten days"}},
        {"metadata": {"reference_answer": {"answer": "forty-two", "contract": "ten days"}}},
    ],
    ids=["beside", "in the metadata", "structured", "structured in the metadata"],
)
async def test_reference_and_columns_are_found_wherever_the_documents_put_them(serving, scripted_model, fields):
    running = await serving(scripted_model(0.7), DOCUMENT)

    status, told = await running.post("/nova", [sample("a", **fields)])

    assert status == 200
    assert told[0]["id"] == "123"
    assert told[0]["aggregate_reward_score"] == 0.7
    assert {"name": "good", "value": 0.7, "type": "Metric"} in told[0]["metrics_list"]
    assert "ten days" in candidate_of(running.model.asked[0])
    assert "forty-two" in candidate_of(running.model.asked[0])


async def test_parts_of_text_and_the_evaluations_role_are_read(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Q"}]},
        {"role": "nova_assistant", "content": [{"type": "text", "text": "It is "}, {"type": "text", "text": "so."}]},
    ]

    assert (await running.post("/nova", [{"id": "1", "messages": turns}]))[0] == 200
    assert ">\nIt is so.\n<" in candidate_of(running.model.asked[0])


@pytest.mark.parametrize("wrapped", [lambda one: one, lambda one: {"trajectories": [one]}], ids=["one", "trajectories"])
async def test_one_sample_and_trajectories_are_read_too(serving, scripted_model, wrapped):
    running = await serving(scripted_model(0.7))

    status, told = await running.post("/nova", wrapped(sample("a")))

    assert (status, len(told)) == (200, 1)


async def test_a_failed_sample_gets_the_mean_of_its_siblings_in_the_batch(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))

    _, told = await running.post("/nova", [sample("fine"), sample("broken"), sample("low")])

    assert [row["aggregate_reward_score"] for row in told] == [0.8, pytest.approx(0.5), 0.2]


async def test_a_conversation_that_does_not_end_with_the_policy_is_refused(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    status, told = await running.post("/nova", [{"id": "1", "messages": [{"role": "user", "content": "Q"}]}])

    assert status == 422
    assert "no model has answered it yet" in told["error"]
