"""Training data of Nova's reinforcement fine-tuning: what is made, and what is told of a bad row."""

import codecs
import importlib.util
import json
from functools import reduce
from importlib.metadata import PackageNotFoundError, distribution
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from dikast.aws.data.files import check_file, convert_file
from dikast.errors import DataError, UsageError
from dikast.rollouts import write_rows
from dikast.spec.reward import read_reward

EXAMPLE = Path(__file__).parents[3] / "examples" / "contract_review"
USER = {"role": "user", "content": "Solve x + 1 = 2."}


@pytest.fixture
def problems_of(tmp_path: Path):
    """Gives (line, problem) of rows, each checked as it would stand behind a good first row."""

    def check(*rows: dict[str, Any], form: Any = "rft") -> list[tuple[int, str]]:
        path = tmp_path / "data.jsonl"
        write_rows(path, [{"messages": [USER]}, *rows] if form == "rft" else rows)
        return [(problem.line, problem.what) for problem in check_file(path, form).problems]

    return check


def test_a_row_of_ours_becomes_messages_a_reference_and_columns_on_top(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    write_rows(source, [{"id": "a", "prompt": "Why?", "reference": "So.", "contract": "text", "note": 1}])

    checked = convert_file(source, target, "rft", drop=["note"])

    assert not checked.problems
    assert json.loads(target.read_text()) == {
        "id": "a",
        "messages": [{"role": "user", "content": "Why?"}],
        "reference_answer": "So.",
        "contract": "text",
    }


@pytest.mark.parametrize("form", ["rft", "sft", "verl"])
@pytest.mark.parametrize("reference", [4, True, ["So."], float("nan")])
def test_a_reference_that_no_form_can_hold_is_told_and_not_left_out(tmp_path: Path, reference: Any, form: Any):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"prompt": "Why?", "reference": reference}))

    [problem] = convert_file(source, target, form).problems

    assert (problem.line, target.exists()) == (1, False)
    assert "'reference' must be a text or an object" in problem.what


@pytest.mark.parametrize(
    ("form", "at"),
    [("sft", ("messages", 1, "content", 0, "text")), ("verl", ("reward_model", "ground_truth"))],
)
def test_a_structured_reference_is_written_as_json_where_a_form_takes_texts(tmp_path: Path, form: Any, at: Any):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    write_rows(source, [{"prompt": "Why?", "reference": {"answer": 4}}])

    assert not convert_file(source, target, form).problems
    assert reduce(getitem, at, json.loads(target.read_text())) == '{"answer":4}'


def test_a_structured_reference_stays_an_object(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    write_rows(source, [{"prompt": "Why?", "reference": {"answer": 4}}])

    convert_file(source, target, "rft")

    assert json.loads(target.read_text())["reference_answer"] == {"answer": 4}


def test_the_example_s_data_converts_without_a_problem_or_a_note(tmp_path: Path):
    reward = read_reward(EXAMPLE / "reward.yaml")

    for form in ("rft", "sft", "verl"):
        checked = convert_file(EXAMPLE / "data" / "train.jsonl", tmp_path / f"{form}.jsonl", form, reward=reward)

        assert (checked.rows, checked.problems, checked.notes) == (378, (), ())


def test_a_row_without_a_column_that_the_reward_reads_is_told_with_its_line(tmp_path: Path):
    source = tmp_path / "rows.jsonl"
    write_rows(source, [{"prompt": "p", "contract": "c", "playbook": "b", "expert_review": "e"}, {"prompt": "p"}])

    checked = convert_file(source, tmp_path / "out.jsonl", "rft", reward=read_reward(EXAMPLE / "reward.yaml"))

    assert checked.path == source
    assert [problem.line for problem in checked.problems] == [2]
    with pytest.raises(DataError, match=r"rows\.jsonl:2: .*'contract'"):
        checked.require_good()


def test_a_column_with_a_name_of_the_trainer_s_is_refused(tmp_path: Path):
    source = tmp_path / "rows.jsonl"
    write_rows(source, [{"prompt": "p", "tools": "a saw"}])

    with pytest.raises(DataError, match=r":1: the column 'tools' means something else"):
        convert_file(source, tmp_path / "out.jsonl", "rft").require_good()


def test_every_row_that_cannot_be_converted_is_told_and_nothing_is_written(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"completion": "no prompt"}\n[1]\n\n{"prompt": "p"}\n{"prompt":\n{"messages": []}\n')
    target.write_text("as it was")

    checked = convert_file(source, target, "rft")

    assert [problem.line for problem in checked.problems] == [1, 2, 5, 6]
    assert [problem.what.partition(";")[0] for problem in checked.problems] == [
        "no 'prompt'",
        "must be a JSON object, not list",
        "not valid JSON (Expecting value)",
        "it has 'messages' already",
    ]
    assert target.read_text() == "as it was"


def test_a_row_that_would_be_refused_is_told_beside_one_that_cannot_be_converted(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"completion": "no prompt"}\n\n{"prompt": ""}\n{"prompt": "p"}\n')

    checked = convert_file(source, target, "rft")

    assert [(checked.path, problem.line) for problem in checked.problems] == [(source, 1), (source, 3)]
    assert "messages[0]: content must be a text that is not blank" in checked.problems[1].what
    assert not target.exists()


def test_a_file_without_rows_or_with_too_many_is_told_before_anything_is_written(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"

    for rows, said in (([], "it holds no row"), ([{"prompt": "p"}] * 20_001, "20001 rows; at the most 20000")):
        write_rows(source, rows)
        with pytest.raises(DataError, match=said):
            convert_file(source, target, "rft").require_good()

    assert not target.exists()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"prompt": "p", "reference": {"x": NaN}}', "'reference.x' is nan, which JSON does not have"),
        ('{"prompt": "p", "reference": "\\ud800"}', "'reference' holds half a surrogate"),
        ('{"prompt": "p", "drop": [1, {"x": 1e999}]}', "'drop[1].x' is inf, which JSON does not have"),
        ('{"prompt": "p", "more": {"y": {"\\udc00": 1}}}', "a name in 'more.y' holds half a surrogate"),
        ('{"prompt": "p", "prompt": "q"}', "the key 'prompt' stands twice"),
        ('{"prompt": "p", "reference": {"x": 1, "x": 2}}', "the key 'x' stands twice"),
    ],
)
def test_what_json_cannot_say_and_readers_read_in_two_ways_is_told_and_not_changed(tmp_path: Path, row: str, said: str):
    source = tmp_path / "rows.jsonl"
    source.write_text(f'{{"prompt": "p"}}\n{row}\n')

    checked = convert_file(source, tmp_path / "out.jsonl", "rft")

    assert [problem.line for problem in checked.problems] == [2]
    assert said in checked.problems[0].what


def test_a_column_that_is_dropped_may_hold_anything(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "p", "score": NaN}\n')

    convert_file(source, target, "rft", drop=["score"]).require_good()

    assert json.loads(target.read_text()) == {"id": "line-1", "messages": [{"role": "user", "content": "p"}]}


def test_a_reference_can_be_dropped_and_what_no_row_has_cannot(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    write_rows(source, [{"prompt": "p", "reference": "r", "contract": "c"}])

    convert_file(source, target, "rft", drop=["reference"]).require_good()
    with pytest.raises(UsageError, match=r"--drop contracts: no row of .* they have contract, prompt, reference"):
        convert_file(source, target, "rft", drop=["contracts"])

    assert "reference_answer" not in json.loads(target.read_text())


def test_a_byte_order_mark_is_told_in_what_is_sent_and_not_carried_over(tmp_path: Path):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(codecs.BOM_UTF8 + b'{"messages": [{"role": "user", "content": "p"}]}\r\n')

    with pytest.raises(DataError, match=r"rows\.jsonl:1: it begins with a byte order mark"):
        check_file(source, "rft").require_good()

    source.write_bytes(codecs.BOM_UTF8 + b'{"prompt": "p"}\r\n')
    convert_file(source, target, "rft").require_good()
    assert target.read_bytes().startswith(b"{")


@pytest.mark.parametrize("form", ["rft", "sft", "verl"])
def test_rows_of_ours_that_are_checked_as_they_stand_are_told_how_they_are_converted(tmp_path: Path, form: Any):
    source = tmp_path / "rows.jsonl"
    write_rows(source, [{"prompt": "p", "reference": "r"}])

    [problem] = check_file(source, form).problems

    assert "convert it with -o FILE" in problem.what


def test_a_line_that_is_no_object_hides_no_other_problem(tmp_path: Path):
    path = tmp_path / "data.jsonl"
    path.write_text('{"messages": []}\nnot JSON\n"text"\n{"messages": []}\n')

    checked = check_file(path, "rft")

    assert [problem.line for problem in checked.problems] == [1, 2, 3, 4]
    assert checked.rows == 4


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "'messages' must be a list"),
        ({"messages": []}, "'messages' must be a list"),
        ({"messages": [{"role": "system", "content": "s"}]}, "no message is the user's"),
        ({"messages": [USER, {"role": "system", "content": "s"}]}, "a system message must come first"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "the last message is the assistant's"),
        ({"messages": [USER, USER]}, "single-turn"),
        ({"messages": [{"role": "wizard", "content": "x"}, USER]}, "messages[0]: the role must be one of"),
        ({"messages": [USER | {"name": "Ada"}]}, "messages[0]: unknown key 'name'"),
        ({"messages": [USER | {"content": "  "}]}, "content must be a text that is not blank"),
        ({"messages": [USER | {"content": [{"type": "image", "data": "…"}]}]}, "other media are not taken"),
        ({"messages": [USER], "id": " "}, "'id' must be a text"),
        ({"messages": [USER], "reference_answer": {}}, "'reference_answer' must be a text or an object"),
        ({"messages": [USER], "reference_answer": 4}, "'reference_answer' must be a text or an object"),
        ({"messages": [USER], "tools": []}, "'tools' must be a list"),
        ({"messages": [USER], "tools": [{"type": "internal"}]}, "tools[0]: must be {type: function"),
    ],
)
def test_a_bad_row_is_told_with_its_line(problems_of: Any, row: dict[str, Any], said: str):
    found = problems_of({"messages": [USER]}, row)

    assert [line for line, what in found if said in what] == [3]


def test_two_tools_of_one_name_and_a_tool_without_a_schema_are_told(problems_of: Any):
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    bare = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}

    [(_, schema), (_, twice)] = problems_of({"messages": [USER], "tools": [tool, bare]})

    assert "tools[1]: 'parameters' must be a schema of type object" in schema
    assert "two have the same name" in twice


def test_text_parts_are_taken_anywhere_but_in_the_first_row_which_the_sdk_looks_at(tmp_path: Path):
    parts = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]}
    first, later = tmp_path / "first.jsonl", tmp_path / "later.jsonl"
    write_rows(first, [parts, {"messages": [USER]}])
    write_rows(later, [{"messages": [USER]}, parts])

    assert [problem.line for problem in check_file(first, "rft").problems] == [1]
    assert check_file(later, "rft").problems == ()


def test_too_few_rows_are_a_warning_and_too_many_a_problem(problems_of: Any, tmp_path: Path):
    few = tmp_path / "few.jsonl"
    write_rows(few, [{"messages": [USER]}] * 99)

    assert "99 rows; Bedrock takes 100 and more" in check_file(few, "rft").notes[0]
    assert problems_of(*[{"messages": [USER]}] * 20_000) == [(0, "20001 rows; at the most 20000 are taken, split it")]


def test_the_vendor_s_detector_knows_what_is_made_and_not_what_is_refused(tmp_path: Path):
    try:
        files = distribution("sagemaker-train").files or []
    except PackageNotFoundError:
        pytest.skip("sagemaker-train is not installed")
    [code] = [file for file in files if file.name == "dataset_format_detector.py"]
    spec = importlib.util.spec_from_file_location("vendor_detector", str(code.locate()))
    assert spec
    assert spec.loader
    vendor = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    detects = vendor.DatasetFormatDetector.validate_dataset

    for form in ("rft", "sft", "verl"):
        made = tmp_path / f"{form}.jsonl"
        convert_file(EXAMPLE / "data" / "train.jsonl", made, form)
        assert detects(str(made))
    refused = tmp_path / "refused.jsonl"
    write_rows(refused, [{"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}]}])
    assert not detects(str(refused))
    assert check_file(refused, "rft").problems
