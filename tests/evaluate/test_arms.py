"""Arms: which documents are compared, and how a file of completions becomes one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.errors import DataError
from dikast.evaluate.arms import Arm, read_arm, shared_documents, spread
from dikast.records import Rollout


def answers(*groups):
    return tuple(Rollout(id=f"r-{group}", group=group, prompt=group, completion="") for group in groups)


@given(st.integers(0, 300), st.integers(0, 300))
def test_what_is_spread_is_in_order_without_repetition_and_as_many_as_asked(length, count):
    rows = list(range(length))

    taken = spread(rows, count)

    assert taken == sorted(set(taken))
    assert len(taken) == min(count, length)


def test_a_spread_reaches_over_the_whole_list():
    assert spread(list(range(8)), 4) == [0, 2, 4, 6]


def test_only_documents_that_every_arm_answered_are_compared():
    first = Arm(name="a", greedy=answers("x", "y", "z"))
    second = Arm(name="b", greedy=answers("z", "x"))

    assert shared_documents([first, second]) == ["x", "z"]


def test_arms_without_a_common_prompt_are_refused():
    with pytest.raises(DataError, match="a, b have no prompt in common"):
        shared_documents([Arm(name="a", greedy=answers("x")), Arm(name="b", greedy=answers("y"))])


def test_no_arm_is_refused():
    with pytest.raises(DataError, match="no arm"):
        shared_documents([])


def test_a_file_with_several_answers_to_a_prompt_has_samples(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"prompt": prompt, "completion": text} for prompt, text in (("p", "1"), ("q", "2"), ("p", "3"))]
    path.write_text("\n".join(map(json.dumps, rows)))

    read = read_arm("a", path)

    assert [rollout.completion for rollout in read.greedy] == ["1", "2"]
    assert [[rollout.completion for rollout in several] for several in read.sampled] == [["1", "3"]]


@pytest.mark.parametrize("name", ["", "a b", "<b>", "../x", "x" * 41])
def test_an_arms_name_is_a_word(name, tmp_path):
    with pytest.raises(DataError, match="letters, digits"):
        read_arm(name, tmp_path / "a.jsonl")


def test_an_empty_file_is_no_arm(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n")

    with pytest.raises(DataError, match="holds no rollouts"):
        read_arm("a", path)
