import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.certify.labels import (
    check_annotators,
    check_criteria,
    consensus,
    expected_of,
    pairs_of,
    read_labels,
    split_labels,
)
from dikast.errors import DataError
from dikast.spec.judge import Criterion

VOTE = st.sampled_from([True, False, "n/a"])


def unsplit(row, number, group=None):
    return {k: v for k, v in row(number, group=group or f"g{number}").items() if k != "split"}


def test_a_row_keeps_its_rollout_and_its_answers_apart(labels_of, row):
    labels = labels_of([row(4, item=None, expect="good", wing="left")])

    read = labels.rows[0]
    assert (read.rollout.id, read.rollout.group, read.rollout.completion) == ("r4", "g1", "answer 4")
    assert read.rollout.columns == {"contract": "contract 1", "wing": "left"}
    assert read.labels["on_topic"] == {"ann": True, "bob": True}
    assert (read.expect, read.split) == ("good", "certificate")
    assert labels.annotators == ("ann", "bob")


def test_a_row_may_say_which_compound_criteria_it_meets_by_half(labels_of, row):
    labels = labels_of([row(4, expect={"half": ["useful"], "note": "one of two"}), row(5, expect={"note": "whole"})])

    assert [read.half for read in labels.rows] == [{"useful"}, frozenset()]
    assert [read.expected for read in labels.rows] == [{}, {}]


def test_a_row_may_say_what_the_judge_has_to_answer_and_then_needs_no_labels(labels_of, row):
    known = [row(n, expect=expect) for n, expect in enumerate(["good", "bad", {"answers": {"useful": "n/a"}}])]
    del known[0]["labels"]

    labels = labels_of(known)

    criteria = [Criterion(id="useful", ask="?"), Criterion(id="empty", ask="?", negative=True)]
    assert [expected_of(read, criteria) for read in labels.rows] == [
        {"useful": True, "empty": False},
        {"useful": False, "empty": True},
        {"useful": "n/a"},
    ]


def test_an_expected_answer_to_an_unknown_criterion_is_an_error(labels_of, row):
    labels = labels_of([row(4, expect={"answers": {"usefull": True}})])

    with pytest.raises(DataError, match=r"labels.jsonl:1: 'expect' has an answer to 'usefull'.* on_topic, useful"):
        check_criteria(labels, ["on_topic", "useful"])


def test_half_of_what_a_row_does_not_label_is_an_error(labels_of, row):
    labels = labels_of([row(4, expect={"half": ["usefull"]})])

    with pytest.raises(
        DataError, match=r"labels.jsonl:1: 'expect' says half of 'usefull', which the row has no labels"
    ):
        check_criteria(labels, ["on_topic", "useful"])


def test_one_annotator_where_two_are_needed_is_an_error(labels_of, row):
    labels = labels_of([row(4), row(5, labels={"on_topic": {"ann": True, "bob": "n/a"}, "useful": {"ann": True}})])

    check_annotators(labels, 1)
    with pytest.raises(DataError, match=r"labels.jsonl:2: only ann answered 'useful', and 2 are needed; have more"):
        check_annotators(labels, 2)


def test_what_nobody_answered_needs_no_second_annotator(labels_of, row):
    check_annotators(labels_of([row(4, labels={}), row(5, labels={"useful": {}})]), 2)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"labels.jsonl:2: not valid JSON"),
        ('{"a": ' * 100_000, r"labels.jsonl:2: not valid JSON"),
        ("[]", r"labels.jsonl:2: must be a JSON object"),
        ('{"prompt": "p", "completion": "c"}', r"labels.jsonl:2: no 'labels'"),
        ('{"prompt": "p", "completion": "c", "labels": {"x": {"ann": "yes"}}}', r"labels.jsonl:2: 'labels' must be"),
        ('{"prompt": "p", "completion": "c", "labels": {"x": true}}', r"labels.jsonl:2: 'labels' must be"),
        ('{"prompt": "p", "completion": "c", "labels": {}, "item": "0"}', r"labels.jsonl:2: 'item' must be"),
        ('{"prompt": "p", "completion": "c", "labels": {}, "item": true}', r"labels.jsonl:2: 'item' must be"),
        ('{"prompt": "p", "completion": "c", "labels": {}, "split": "test"}', r"labels.jsonl:2: 'split' must be"),
        (
            '{"prompt": "p", "completion": "c", "labels": {}, "expect": "godd"}',
            r"labels.jsonl:2: 'expect' must be good,",
        ),
        (
            '{"prompt": "p", "completion": "c", "labels": {}, "expect": ["bad"]}',
            r"labels.jsonl:2: 'expect' must be good,",
        ),
        (
            '{"prompt": "p", "completion": "c", "expect": {"answers": {"x": "yes"}}}',
            r"labels.jsonl:2: 'expect' must be .*'yes'",
        ),
        ('{"prompt": "p", "completion": "c", "expect": {"answers": {}}}', r"labels.jsonl:2: no 'labels'"),
        (
            '{"prompt": "p", "completion": "c", "labels": {}, "expect": {"half": "x"}}',
            r"labels.jsonl:2: 'half' of 'expect' must be a list",
        ),
        ('{"prompt": "p", "labels": {}}', r"labels.jsonl:2: 'completion' must be a text"),
        ('{"prompt": "\\ud800", "completion": "c", "labels": {}}', r"labels.jsonl:2: holds half a surrogate"),
        (
            '{"id": "r0", "prompt": "p", "completion": "c", "labels": {}}',
            r"labels.jsonl:2: the same id and item as line 1",
        ),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path, row, line, problem):
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(row(0)) + "\n" + line + "\n")

    with pytest.raises(DataError, match=problem):
        read_labels(path)


def test_an_empty_file_is_an_error(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("\n\n")

    with pytest.raises(DataError, match="no row"):
        read_labels(path)


def test_the_hash_of_labels_follows_the_file(labels_of, row):
    assert labels_of([row(1)]).hash != labels_of([row(2)]).hash


def test_a_group_is_never_in_both_parts(labels_of, row):
    labels = labels_of([unsplit(row, number, group=f"g{number % 30}") for number in range(300)])

    split = split_labels(labels)

    assert split.by == "hash"
    assert set(split.tuning).isdisjoint(split.certificate)
    assert sorted({*split.tuning, *split.certificate}) == sorted({f"g{n}" for n in range(30)})


def test_two_fifths_of_the_groups_are_tuned_on(labels_of, row):
    labels = labels_of([unsplit(row, number) for number in range(1000)])

    assert 350 < len(split_labels(labels).tuning) < 450


def test_a_group_stays_in_its_part_when_the_file_grows_or_is_shuffled(labels_of, row):
    rows = [unsplit(row, number) for number in range(80)]

    few, many = split_labels(labels_of(rows[:40])), split_labels(labels_of(rows[::-1]))

    assert set(few.tuning) <= set(many.tuning)
    assert set(few.certificate) <= set(many.certificate)
    assert few.hash != many.hash


def test_what_nobody_labelled_is_not_spent_on_tuning(labels_of, row):
    rows = [unsplit(row, number) | ({"labels": {}} if number % 2 else {}) for number in range(80)]

    split = split_labels(labels_of(rows))

    assert {f"g{number}" for number in range(1, 80, 2)} <= set(split.certificate)
    assert set(split.tuning) <= set(split_labels(labels_of([unsplit(row, number) for number in range(80)])).tuning)


def test_the_files_own_split_is_taken(labels_of, row):
    split = split_labels(labels_of([row(0, split="certificate"), row(4, split="tuning")]))

    assert (split.by, split.tuning, split.certificate) == ("file", ("g1",), ("g0",))


def test_a_group_that_the_file_puts_into_both_parts_is_an_error(labels_of, row):
    with pytest.raises(DataError, match=r"labels.jsonl:2: group 'g0' is in both parts"):
        split_labels(labels_of([row(0, split="tuning"), row(1, split="certificate")]))


def test_a_split_for_some_rows_only_is_an_error(labels_of, row):
    with pytest.raises(DataError, match=r"labels.jsonl:2: no 'split'"):
        split_labels(labels_of([row(0), unsplit(row, 1)]))


def test_an_empty_part_is_an_error(labels_of, row):
    with pytest.raises(DataError, match="none of its 1 groups is in the certificate part"):
        split_labels(labels_of([row(0, split="tuning")]))


@pytest.mark.parametrize(
    ("votes", "agreed"),
    [
        ([True], True),
        ([False, False], False),
        ([True, False], None),
        ([True, True, False], True),
        ([True, False, "n/a"], None),
        (["n/a", "n/a", True], "n/a"),
        ([True, True, False, False], None),
    ],
)
def test_people_agree_where_more_than_half_answer_alike(votes, agreed):
    assert consensus({f"a{at}": vote for at, vote in enumerate(votes)}) == agreed


@given(st.dictionaries(st.text(max_size=3), VOTE, max_size=6))
def test_a_consensus_does_not_depend_on_who_answered_what(votes):
    assert consensus(votes) == consensus(dict(zip(reversed(list(votes)), votes.values(), strict=True)))


@given(st.dictionaries(st.text(max_size=3), VOTE, max_size=6))
def test_every_two_annotators_who_answered_are_one_pair(votes):
    answered = sum(1 for vote in votes.values() if vote != "n/a")

    assert len(list(pairs_of(votes))) == answered * (answered - 1) // 2
