"""A file of labelled pairs is read, or refused with its place and what would mend it."""

import json
import re

import pytest

from dikast.certify.duels.labels import read_pairs
from dikast.certify.labels import read_labels, split_labels
from dikast.errors import DataError

from .conftest import labelled_pair


def test_a_pair_is_two_rollouts_of_one_prompt_with_the_columns_beside(labels_of):
    row = {"prompt": "p", "a": "one", "b": "two", "contract": "c", "reference": "r"}

    labels = labels_of([row | {"labels": {"ann": "a", "bob": "tie"}}, row | {"id": "x", "b": "three", "labels": {}}])

    first, second = labels.rows
    assert (first.a.completion, first.b.completion, first.a.id, first.b.id) == ("one", "two", "line-1/a", "line-1/b")
    assert first.a.columns == first.b.columns == {"contract": "c"}
    assert first.a.reference == "r"
    assert first.group == first.a.group == first.b.group == second.group
    assert first.votes == {"ann": True, "bob": "n/a"}
    assert (second.id, second.votes) == ("x", {})
    assert labels.annotators == ("ann", "bob")


def test_the_split_is_by_prompt_and_the_files_own_where_it_has_one(labels_of, suite):
    drawn = split_labels(labels_of([labelled_pair(number) | {"split": None} for number in range(160)]))
    stated = split_labels(suite)

    assert (drawn.by, stated.by) == ("hash", "file")
    assert len(drawn.tuning) + len(drawn.certificate) == len(stated.tuning) + len(stated.certificate) == 80
    assert len(stated.tuning) == 20


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"a": "x", "labels": {}}, r"no text 'b'; a preference reward is certified by \{.*\}"),
        (
            {"completion": "x", "labels": {"sound": {"ann": True}}},
            r"no text 'a'; a preference reward is certified by \{.*\}",
        ),
        (
            {"a": "x", "b": "y", "labels": {"sound": {"ann": True}}},
            "'labels' of 'sound' are answers to a criterion, and a preference reward has none; .*",
        ),
        ({"a": "x", "b": " x", "labels": {"ann": "a"}}, "'a' and 'b' are the same text; .*"),
        ({"a": "x", "b": "y"}, "'labels' must be {annotator: .*}"),
        ({"a": "x", "b": "y", "labels": {"ann": "c"}}, "'ann' says \"c\"; a label is a, b or tie"),
        ({"a": "x", "b": "y", "labels": {"ann": True}}, "'ann' says true; a label is a, b or tie"),
        ({"a": "x", "b": "y", "labels": {"ann": None}}, "'ann' says null; a label is a, b or tie"),
        ({"a": "x", "b": "y", "labels": {}, "split": "test"}, "'split' must be tuning or certificate"),
        ({"a": "x", "b": "\ud800", "labels": {}}, "holds half a surrogate pair, .*"),
        ({"id": "line-1", "a": "x", "b": "y", "labels": {}}, "the same id as line 1; .*"),
        ({"a": "two", "b": "one", "labels": {}}, "the same two texts as line 1; .*"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_place(tmp_path, row, problem):
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": "p", "a": "one", "b": "two", "labels": {"ann": "a"}}, {"prompt": "p"} | row]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    with pytest.raises(DataError) as error:
        read_pairs(path)

    assert re.fullmatch(rf"{re.escape(str(path))}:2: {problem}", str(error.value))


def test_an_empty_file_says_what_to_do(tmp_path):
    (tmp_path / "pairs.jsonl").write_text("\n")

    with pytest.raises(DataError, match="no row; label some pairs first"):
        read_pairs(tmp_path / "pairs.jsonl")


def test_a_pair_among_labels_on_criteria_is_told(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(labelled_pair(0)))

    with pytest.raises(DataError, match=r"labels.jsonl:1: a pair of 'a' and 'b' is a label for a preference judge"):
        read_labels(path)
