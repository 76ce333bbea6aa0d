"""The completion as JSON: strict, and never an exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.checks.base import NOT_JSON
from dikast.checks.parsing import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    identity,
    items_of,
    parse_completion,
    read_json,
    strings_in,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON at all",
        '```json\n{"a": 1}\n```',
        'Here it is: {"a": 1}',
        '{"a": 1} Done.',
        '{"a": 1}{"a": 1}',
        "{'a': 1}",
        '{"a": 1,}',
        "\ufeff{}",
        "\u00a0{}",
        "NaN",
        '{"a": Infinity}',
        "[-Infinity]",
        "1e999",
        "9" * 400,
        "9" * 10_000,
        '{"a": 1, "a": 2}',
        '{"b": {"a": 1, "a": 1}}',
        '"\\ud800"',
        '{"\\udfff": 1}',
        '"a\nb"',
        "[" * 200_000,
        '{"a":' * 200_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" + " " * MAX_CHARACTERS + "]",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_other_readers_would_stumble_over_is_not_json(text: str):
    parsed = parse_completion(text)

    assert parsed is NOT_JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' \n{"a": [1, 2.5, "x"]}\t', {"a": [1, 2.5, "x"]}),
        ("null", None),
        ("0", 0),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
    ],
)
def test_one_whole_json_value_is_read(text: str, value: object):
    parsed = parse_completion(text)

    assert parsed == value
    assert parsed is not NOT_JSON


def test_the_reason_names_a_code_fence():
    with pytest.raises(ValueError, match="code fence"):
        read_json('```json\n{"a": 1}\n```')


@given(st.text())
def test_reading_never_raises(text: str):
    parse_completion(text)


@given(st.text(alphabet='{}[]",:\\ud8e0trefalsn-+.1 ', max_size=60))
def test_reading_never_raises_on_what_looks_like_json(text: str):
    parse_completion(text)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object):
    assert parse_completion(json.dumps(value)) == value


def test_items_are_the_list_under_the_key():
    assert items_of({"comments": [1, 2]}, "comments") == (1, 2)
    assert items_of({"comments": []}, "comments") == ()


@pytest.mark.parametrize("parsed", [NOT_JSON, None, [], "comments", {}, {"comments": {"a": 1}}, {"comments": "abc"}])
def test_there_are_no_items_where_no_list_stands(parsed: object):
    assert items_of(parsed, "comments") is None  # pyright: ignore[reportArgumentType]


def test_there_are_no_items_where_the_reward_names_none():
    assert items_of({"comments": [1]}, None) is None


def test_strings_come_in_their_order_and_with_keys_only_where_asked_for():
    value = {"a": "x", "b": ["y", 1, {"c": "z"}]}

    assert list(strings_in(value)) == ["x", "y", "z"]
    assert list(strings_in(value, keys=True)) == ["a", "x", "b", "y", "c", "z"]


def test_identity_tells_true_from_one_and_not_one_from_one_point_zero():
    assert identity([1]) == identity([1.0])
    assert identity([1]) != identity([True])
    assert identity({"a": 1, "b": 2}) == identity({"b": 2, "a": 1})
    assert identity(["a", "b"]) != identity(["b", "a"])


@given(VALUES, VALUES)
def test_equal_json_is_identical(a: object, b: object):
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)

    assert not same or identity(a) == identity(b)  # pyright: ignore[reportArgumentType]
