"""The json check: strict JSON, JSON Schema, and schemas that cannot be used."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.checks.base import Checked, Outcome
from dikast.checks.json_schema import json_check
from dikast.checks.schema_compiling import compile_schema
from dikast.errors import ConfigError
from dikast.records import Missing

See = Callable[..., Checked]

COMMENTS = {
    "type": "object",
    "required": ["comments"],
    "additionalProperties": False,
    "properties": {
        "comments": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["comment", "type"],
                "properties": {"comment": {"type": "string"}, "type": {"enum": ["risk", "action"]}},
            },
        }
    },
}
ENDLESS = "(a|a)*$"
HOSTILE = "a" * 40 + "!"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.fixture
def schema_file(tmp_path: Path) -> Callable[[object], Path]:
    def write(schema: object) -> Path:
        path = tmp_path / "schema.json"
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema), "utf-8")
        return path

    return write


def test_without_a_schema_any_json_passes(see: See):
    assert json_check(None, items=None)(see("[1, 2]")) == Outcome(value=1.0)


def test_a_code_fence_fails_and_the_reason_says_so(see: See):
    outcome = json_check(None, items=None)(see('```json\n{"comments": []}\n```'))

    assert outcome == Outcome(value=0.0, reason="not JSON: it stands in a code fence")


def test_what_follows_the_schema_passes(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file(COMMENTS), items="comments")

    outcome = check(see('{"comments": [{"comment": "Too short.", "type": "risk"}]}', items="comments"))

    assert outcome == Outcome(value=1.0)


def test_what_breaks_the_schema_is_told_with_its_path_and_item(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file(COMMENTS), items="comments")

    outcome = check(
        see('{"comments": [{"comment": "a", "type": "risk"}, {"comment": "b", "type": "?"}]}', items="comments")
    )

    assert isinstance(outcome, Outcome)
    assert (outcome.value, outcome.item) == (0.0, 1)
    assert outcome.reason == "$.comments[1].type: '?' is not one of ['risk', 'action']"


def test_a_fault_outside_the_set_has_no_item(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file(COMMENTS), items="comments")

    outcome = check(see('{"comments": [], "more": 1}', items="comments"))

    assert isinstance(outcome, Outcome)
    assert (outcome.value, outcome.item) == (0.0, None)


def test_a_fault_in_another_list_has_no_item(see: See, schema_file: Callable[[object], Path]):
    schema = {"properties": {"tags": {"type": "array", "items": {"type": "string"}}}}
    check = json_check(schema_file(schema), items="comments")

    outcome = check(see('{"comments": ["a", "b"], "tags": ["x", 1]}', items="comments"))

    assert outcome == Outcome(value=0.0, reason="$.tags[1]: 1 is not of type 'string'")


def test_the_reason_of_a_huge_candidate_is_short(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file({"type": "object"}), items=None)

    outcome = check(see(json.dumps(["x\u200b\n" * 50_000])))

    assert isinstance(outcome, Outcome)
    assert outcome.reason is not None
    assert len(outcome.reason) <= 200
    assert outcome.reason.isprintable()


def test_the_draft_is_that_of_the_schema_and_2020_12_without_one():
    pair: dict[str, Any] = {"prefixItems": [{"type": "string"}]}

    assert not compile_schema(pair, where="s").is_valid([1])
    assert compile_schema({"$schema": DRAFT_7, **pair}, where="s").is_valid([1])


def test_the_required_tests_of_the_draft_7_suite_pass(shared_data: Callable[[str], Path]):
    folder = shared_data("jsonschema")
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    with gzip.open(folder / "draft7.jsonl.gz", "rt", encoding="utf-8") as lines:
        groups = [json.loads(line) for line in lines]
    required = [g for g in groups if "/" not in g["file"] and not g["needs_remote"]]

    wrong: list[str] = []
    for group in required:
        schema = group["schema"]
        named = {"$schema": DRAFT_7, **schema} if isinstance(schema, dict) else schema
        validator = compile_schema(named, where=group["file"])
        wrong += [
            f"{group['file']}: {group['group']}: {test['d']}"
            for test in group["tests"]
            if validator.is_valid(test["data"]) != test["valid"]
        ]

    assert wrong == []
    assert sum(len(g["tests"]) for g in required) == expected["required_tests_without_remote"]


@pytest.mark.parametrize(
    "reference", ["https://example.com/schema.json", "other.json", "#/$defs/nowhere", "http://127.0.0.1:9/x"]
)
def test_a_reference_out_of_the_file_is_refused_when_the_reward_is_put_together(reference: str):
    schema: dict[str, Any] = {"properties": {"a": {"items": {"$ref": reference}}}}

    with pytest.raises(ConfigError, match=r"s\.json: \$ref .* nothing is fetched"):
        compile_schema(schema, where="s.json")


def test_a_property_that_is_called_ref_is_no_reference():
    validator = compile_schema({"properties": {"$ref": {"type": "string"}}}, where="s")

    assert not validator.is_valid({"$ref": 1})


def test_a_reference_inside_what_is_referred_to_is_followed():
    schema: dict[str, Any] = {"$ref": "#/x-parts/a", "x-parts": {"a": {"$ref": "https://example.com/b"}}}

    with pytest.raises(ConfigError, match="nothing is fetched"):
        compile_schema(schema, where="s")


def test_the_drafts_own_schemas_can_be_referred_to():
    validator = compile_schema({"$schema": DRAFT_7, "$ref": DRAFT_7}, where="s")

    assert validator.is_valid({"type": "string"})
    assert not validator.is_valid({"type": 1})


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{", "not a JSON file"),
        ("[]", "is an object"),
        ({"type": "objekt"}, r"\$\.type"),
        ({"$schema": "https://example.com/mine"}, r"unknown \$schema"),
        ({"$schema": 7}, r"unknown \$schema"),
        ({"properties": {"a": {"$schema": DRAFT_7}}}, "at the top only"),
        ({"properties": {"a": {"pattern": "(unclosed"}}}, "no regular expression"),
        ({"patternProperties": {"[": True}}, "no regular expression"),
        ({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "not supported"),
    ],
)
def test_a_schema_that_cannot_be_used_is_a_configuration_error(
    schema: object, problem: str, schema_file: Callable[[object], Path]
):
    path = schema_file(schema)

    with pytest.raises(ConfigError, match=problem) as caught:
        json_check(path, items=None)

    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "completion"),
    [
        ({"pattern": ENDLESS}, f'"{HOSTILE}"'),
        ({"patternProperties": {ENDLESS: True}}, f'{{"{HOSTILE}": 1}}'),
        (
            {"additionalProperties": False, "properties": {}, "patternProperties": {ENDLESS: True}},
            f'{{"{HOSTILE}": 1}}',
        ),
        (
            {"$schema": DRAFT_7, "properties": {"child": {"$ref": "#"}, "s": {"pattern": ENDLESS}}},
            f'{{"child": {{"s": "{HOSTILE}"}}}}',
        ),
    ],
)
def test_an_endless_pattern_is_stopped_and_the_check_is_missing(
    schema: object, completion: str, see: See, schema_file: Callable[[object], Path]
):
    check = json_check(schema_file(schema), items=None)
    start = time.process_time()

    outcome = check(see(completion))

    assert isinstance(outcome, Missing)
    assert outcome.reason == "check_error"
    assert time.process_time() - start < 10


def test_references_that_never_end_leave_the_check_missing(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file({"$ref": "#"}), items=None)

    outcome = check(see("1"))

    assert isinstance(outcome, Missing)
    assert outcome.reason == "check_error"


def test_a_recursive_schema_reads_the_deepest_json_that_is_let_in(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file({"type": "array", "items": {"$ref": "#"}}), items=None)

    outcome = check(see("[" * 64 + "]" * 64))

    assert outcome == Outcome(value=1.0)


def test_many_distinct_items_are_told_apart_in_no_time(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file({"uniqueItems": True}), items=None)
    completion = json.dumps([{"n": n} for n in range(30_000)])
    start = time.process_time()

    outcome = check(see(completion))

    assert outcome == Outcome(value=1.0)
    assert time.process_time() - start < 10


def test_unique_items_tell_true_from_one(see: See, schema_file: Callable[[object], Path]):
    check = json_check(schema_file({"uniqueItems": True}), items=None)

    assert check(see("[1, true]")) == Outcome(value=1.0)
    outcome = check(see("[1, 1.0]"))
    assert isinstance(outcome, Outcome)
    assert outcome.value == 0
