"""OpenRLHF's request, as its 0.11.2 sends it: one text with the tokenizer's marks, and a label of any kind."""

import json
import math

import pytest
from served_reward import PLAIN, candidate_of, fails_on

PROMPT = "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
REFERENCE = PLAIN.replace("Question: prompt", "Question: prompt, Known: reference")
COLUMN = PLAIN.replace("Question: prompt", "Document: contract")


def body(answer: str, label: object = None, *, prompt: str = PROMPT, query: str | None = None) -> dict[str, object]:
    return {"query": [prompt + answer if query is None else query], "prompts": [prompt], "labels": [label]}


async def test_the_answer_is_judged_without_prompt_and_end_marks_and_numbers_come_back(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    status, told = await running.post("/openrlhf", body("It is so.<|im_end|>\n<|endoftext|>"))

    assert status == 200
    assert told["rewards"] == told["scores"] == [0.7]
    [asked] = running.model.asked
    assert ">\nIt is so.\n<" in candidate_of(asked)
    assert all(isinstance(value, float) for values in told["extra_logs"].values() for value in values)


async def test_the_log_has_the_same_names_for_every_rollout(serving, scripted_model):
    running = await serving(
        scripted_model(fails_on("broken")), PLAIN + "checks: [{check: length, max_words: 3, gate: true}]\n"
    )

    answers = [
        await running.post("/openrlhf?on_missing=0.5", body(text)) for text in ("fine", "one two three four", "broken")
    ]

    assert [list(told["extra_logs"].values()) for _, told in answers] == [[[0], [0]], [[0], [1]], [[1], [0]]]
    assert len({tuple(told["extra_logs"]) for _, told in answers}) == 1


async def test_the_answer_is_json_by_its_header_which_the_trainer_demands(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    _, _, headers = await running.ask("POST", "/openrlhf", body("a"))

    assert headers["Content-Type"] == "application/json"


async def test_a_text_label_is_the_reference_and_an_object_holds_columns(serving, scripted_model):
    by_text = await serving(scripted_model(0.7), REFERENCE)
    by_object = await serving(scripted_model(0.7), COLUMN)

    assert (await by_text.post("/openrlhf", body("a", "forty-two")))[0] == 200
    assert (await by_object.post("/openrlhf", body("a", {"contract": "ten days"})))[0] == 200
    assert (await by_object.post("/openrlhf?label=json", body("a", json.dumps({"contract": "ten days"}))))[0] == 200
    status, told = await by_object.post("/openrlhf?label=json", body("a", "ten days"))

    assert "forty-two" in candidate_of(by_text.model.asked[0])
    assert "ten days" in candidate_of(by_object.model.asked[0])
    assert (status, told["error"]) == (422, "label=json: the label is not the text of a JSON object")


async def test_a_prompt_whose_start_was_cut_is_found_by_its_end(serving, scripted_model):
    running = await serving(scripted_model(0.7))
    long = "x" * 3000 + PROMPT

    status, _ = await running.post("/openrlhf", body("", prompt=long, query=long[-500:] + "It is so."))

    assert status == 200
    assert ">\nIt is so.\n<" in candidate_of(running.model.asked[0])


async def test_a_query_without_its_prompt_is_refused_and_not_judged_whole(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    status, told = await running.post("/openrlhf", body("", query="something else"))

    assert status == 422
    assert "the end of the prompt is not in the query" in told["error"]


async def test_lists_of_different_lengths_are_refused(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    assert (await running.post("/openrlhf", body("a") | {"labels": []}))[0] == 422


async def test_nan_is_said_where_the_trainer_filters_groups_and_python_reads_it(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))

    status, at_the_deadline = await running.post("/openrlhf?dynamic_filtering=true&deadline=0.1", body("broken"))
    _, at_once = await running.post("/openrlhf?dynamic_filtering=true&on_missing=native", body("broken"))

    assert status == 200
    assert math.isnan(at_the_deadline["scores"][0])
    assert math.isnan(at_once["rewards"][0])
    low, high = 0.0, 1.0
    assert not low < at_once["scores"][0] < high, "what the filter keeps a group for"


async def test_without_filtering_a_missing_score_fails_the_request_and_is_never_nan(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))

    status, told, headers = await running.ask("POST", "/openrlhf?deadline=0.1", body("broken"))

    assert status == 503
    assert "timeout" in told["error"]
    assert int(headers["Retry-After"]) > 0


async def test_two_siblings_make_up_for_a_failed_rollout(serving, scripted_model):
    running = await serving(scripted_model(fails_on("broken")))
    await running.post("/openrlhf", body("fine"))
    await running.post("/openrlhf", body("low"))

    _, told = await running.post("/openrlhf", body("broken"))

    assert told["rewards"] == [pytest.approx(0.5)]
    assert told["extra_logs"]["dikast_missing"] == [1.0]


async def test_a_mistyped_filter_is_told(serving, scripted_model):
    running = await serving(scripted_model(0.7))

    assert (await running.post("/openrlhf?dynamic_filtering=yes", body("a")))[0] == 422
