"""The short way of the json check: it never says of a value that it follows a schema where jsonschema says that it does not."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.plain_schema import plain_test
from dikast.checks.schema_compiling import compile_schema

EXAMPLE = Path("examples/contract_review/comments.schema.json")
DRAFT_7 = "http://json-schema.org/draft-07/schema#"

names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, -2.0, 1e300]),
    st.text("xy\U0001f600", max_size=3),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
lengths = st.integers(0, 3)
types = st.sampled_from(["null", "boolean", "string", "array", "object", "number", "integer"])
keywords: dict[str, st.SearchStrategy[Any]] = {
    "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
    "enum": st.lists(values, min_size=1, max_size=3),
    "required": st.lists(names, unique=True, max_size=2),
    "minLength": lengths,
    "maxLength": lengths,
    "minItems": lengths,
    "maxItems": lengths,
    "minimum": st.sampled_from([-1, 0, 0.5, 1.0]),
    "maximum": st.sampled_from([-1, 0, 0.5, 1.0]),
    "title": st.just("A title."),
}


def objects_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(names, inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            **keywords,
        },
    )


schemas = st.recursive(st.booleans() | st.fixed_dictionaries({}, optional=keywords), objects_of, max_leaves=6)


@given(schema=schemas, value=values)
def test_it_says_what_jsonschema_says(schema: Any, value: Any):
    follows = plain_test(schema)

    # A list with a value twice is left to jsonschema.
    if follows is not None:
        assert follows(value) == compile_schema(schema, where="s").is_valid(value)


def test_the_schemas_of_the_draft_7_suite_that_are_plain_pass_their_tests(shared_data: Callable[[str], Path]):
    with gzip.open(shared_data("jsonschema") / "draft7.jsonl.gz", "rt", encoding="utf-8") as lines:
        groups = [json.loads(line) for line in lines]
    named = [({"$schema": DRAFT_7, **g["schema"]} if isinstance(g["schema"], dict) else g["schema"], g) for g in groups]
    tests = [
        (group["group"], test["d"], follows(test["data"]), test["valid"])
        for schema, group in named
        if "/" not in group["file"] and (follows := plain_test(schema)) is not None
        for test in group["tests"]
    ]

    wrong = [test for test in tests if test[2] != test[3]]

    assert wrong == []
    assert len(tests) > 150


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "a"},
        {"$ref": "#"},
        {"type": "objekt"},
        {"type": []},
        {"type": [["string"]]},
        {"type": ["string", "string"]},
        {"required": ["a", "a"]},
        {"required": "a"},
        {"minLength": -1},
        {"minLength": True},
        {"minimum": "1"},
        {"items": [{}]},
        {"properties": []},
        {"properties": [], "additionalProperties": False},
        {"enum": [1, 1.0]},
        {"title": 1},
        {"x-mine": 1},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"$schema": 7},
        {"$schema": None},
        {"properties": {"a": {"$schema": DRAFT_7}}},
        [],
        "text",
    ],
)
def test_whatever_else_stands_in_a_schema_is_left_to_jsonschema(schema: Any):
    assert plain_test(schema) is None


def test_the_example_is_plain_and_loads_no_jsonschema_while_its_answers_follow_it():
    script = f"""
import sys
from pathlib import Path
from dikast.checks.base import Checked
from dikast.checks.json_schema import json_check
from dikast.records import Rollout
check = json_check(Path({str(EXAMPLE)!r}), items="comments")
good = {{"text_excerpt": "thirty days", "comment": "Keeps our rule.", "type": "risk", "action": "Accept."}}
for parsed in ({{"comments": [good]}}, {{"comments": []}}):
    rollout = Rollout(id="1", group="1", prompt="-", completion="-")
    print(check(Checked(rollout=rollout, documents=(), parsed=parsed, items=None)).value, "jsonschema" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["1.0 False", "0.0 True"]
