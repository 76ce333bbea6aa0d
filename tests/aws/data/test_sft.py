"""Training data in Converse form: who speaks, which words are reserved, which tools may be called."""

import json
from pathlib import Path
from typing import Any

import pytest

from dikast.aws.data.files import check_file, convert_file
from dikast.rollouts import write_rows

ASKED = {"role": "user", "content": [{"text": "Why?"}]}
ANSWERED = {"role": "assistant", "content": [{"text": "So."}]}
TOOLS = {"tools": [{"toolSpec": {"name": "look_up"}}]}


def row(*messages: dict[str, Any], **further: Any) -> dict[str, Any]:
    return {"schemaVersion": "bedrock-conversation-2024", "messages": list(messages), **further}


def call(name: str, use: str = "t1") -> dict[str, Any]:
    return {"role": "assistant", "content": [{"toolUse": {"toolUseId": use, "name": name, "input": {}}}]}


def result(use: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"toolResult": {"toolUseId": use, "content": [{"text": "4"}]}}]}


@pytest.fixture
def problems_of(tmp_path: Path):
    def check(*rows: dict[str, Any]) -> list[str]:
        path = tmp_path / "data.jsonl"
        write_rows(path, rows)
        return [f"{problem.line}: {problem.what}" for problem in check_file(path, "sft").problems]

    return check


def test_the_system_turn_stands_apart_and_the_reference_is_the_answer(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    write_rows(source, [{"prompt": prompt, "reference": "So."}])

    checked = convert_file(source, target, "sft")

    assert not checked.problems
    assert json.loads(target.read_text()) == row(ASKED, ANSWERED, system=[{"text": "Be brief."}])


def test_a_row_without_a_reference_has_nothing_to_learn_and_is_told(tmp_path: Path):
    source = tmp_path / "rows.jsonl"
    write_rows(source, [{"prompt": "Why?"}])

    [problem] = convert_file(source, tmp_path / "out.jsonl", "sft").problems

    assert (problem.line, problem.what.partition(",")[0]) == (1, "no 'reference'")


def test_a_conversation_with_a_tool_that_is_declared_and_answered_is_right(problems_of: Any):
    assert problems_of(row(ASKED, call("look_up"), result("t1"), ANSWERED, toolConfig=TOOLS)) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"messages": [ASKED, ANSWERED]}, "'schemaVersion' must be"),
        (row(ASKED), "'messages' must hold"),
        (row(ANSWERED, ASKED), "messages[0]: the role must be user"),
        (row(ASKED, ANSWERED, ASKED), "the last message must be the assistant's"),
        (row(ASKED, ANSWERED, system="Be brief."), "'system' must be a list"),
        (row({"role": "user", "content": "Why?"}, ANSWERED), "messages[0]: content must be a list of blocks"),
        (row({"role": "user", "content": [{"reasoningContent": {}}]}, ANSWERED), "only the assistant may have"),
        (row(ASKED, call("look_up")), 'the tool "look_up" is not in toolConfig'),
        (row(ASKED, call("look_up"), result("t2"), ANSWERED, toolConfig=TOOLS), 'names "t2", which nothing called'),
        (row(ASKED, call("look_up"), result("t1"), call("look_up"), toolConfig=TOOLS), '"t1" stands twice'),
    ],
)
def test_a_bad_row_is_told_with_its_line(problems_of: Any, bad: dict[str, Any], said: str):
    found = problems_of(row(ASKED, ANSWERED), bad)

    assert any(problem.startswith("2: ") and said in problem for problem in found)
    assert not any(problem.startswith("1: ") for problem in found)


@pytest.mark.parametrize("where", ["text", "system", "thought"])
def test_a_reserved_word_is_found_wherever_it_stands(problems_of: Any, where: str):
    text = "The label reads User: Ada."
    thought = {"reasoningContent": {"reasoningText": {"text": text}}}
    rows = {
        "text": row(ASKED, {"role": "assistant", "content": [{"text": text}]}),
        "system": row(ASKED, ANSWERED, system=[{"text": text}]),
        "thought": row(ASKED, {"role": "assistant", "content": [thought, {"text": "So."}]}),
    }

    [problem] = problems_of(rows[where])

    assert "holds 'User:', which the trainer reserves" in problem
