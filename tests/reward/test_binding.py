"""What a reward sees of a rollout, and what the judge is shown of a completion."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dikast.errors import DataError
from dikast.records import Message, Rollout
from dikast.reward.binding import bind, case_of, duplicates, enough_columns
from dikast.spec.reward import RewardFile, RewardSpec

Make = Callable[..., Rollout]


def spec_of(*, show: list[str] | None = None, **changes: Any) -> RewardSpec:
    plain: dict[str, Any] = {
        "name": "n",
        "objective": "o",
        "inputs": {"Document": "contract"},
        "judge": {"model": "m:x", "criteria": [{"id": "a", "ask": "?"}], "show": show},
    }
    return RewardSpec(file=msgspec.convert(plain | changes, RewardFile), path=Path("reward.yaml"))


def test_columns_are_bound_under_their_shown_names_in_the_rewards_order(rollout: Make):
    spec = spec_of(inputs={"B": "b", "Contract": "contract", "Asked": "prompt"})

    bound = bind(spec, rollout(b="text b"))

    assert bound.documents == (("B", "text b"), ("Contract", "contract g"), ("Asked", "prompt g"))


def test_a_chat_is_shown_turn_by_turn(rollout: Make):
    turns = (Message(role="system", content="s"), Message(role="user", content="u"))

    bound = bind(spec_of(inputs={"Asked": "prompt"}), msgspec.structs.replace(rollout(), prompt=turns))

    assert bound.documents == (("Asked", "system: s\n\nuser: u"),)


@pytest.mark.parametrize(
    ("value", "text"), [(["é", 1], '["é", 1]'), ({"a": None}, '{"a": null}'), (3, "3"), (False, "false")]
)
def test_what_is_no_text_is_shown_as_json(rollout: Make, value: Any, text: str):
    assert bind(spec_of(), rollout(contract=value)).documents == (("Document", text),)


@pytest.mark.parametrize("column", ["contrakt", "reference", "empty"])
def test_a_column_that_is_not_there_or_empty_is_told_with_those_that_are(rollout: Make, column: str):
    with pytest.raises(DataError) as error:
        bind(spec_of(inputs={"Document": column}), rollout("r7", empty=None))

    has = "completion, contract, prompt" if column == "empty" else "completion, contract, empty, prompt"
    assert (
        str(error.value)
        == f"rollout 'r7': no column '{column}', which inputs of reward.yaml name; add it, or name one that is there: {has}"
    )


def test_a_whole_completion_is_one_unit(rollout: Make):
    bound = bind(spec_of(), rollout(completion="an answer"))

    assert bound.units() == [None]
    assert case_of(bound, None).candidate == "an answer"
    assert case_of(bound, None).documents == (("Document", "contract g"),)


def test_a_set_is_judged_item_by_item(rollout: Make):
    bound = bind(spec_of(items="comments"), rollout(completion={"comments": [{"a": "x", "b": 2}, "text", [1]]}))

    assert bound.units() == [0, 1, 2]
    assert [case_of(bound, at).candidate for at in bound.units()] == ["a: x\nb: 2", "text", "[1]"]


@pytest.mark.parametrize("completion", ["no JSON", "[]", '{"comments": {}}', '{"comments": null}', "{}", "null"])
def test_a_completion_without_a_list_there_has_no_items(rollout: Make, completion: str):
    bound = bind(spec_of(items="comments"), rollout(completion=completion))

    assert bound.items is None
    assert bound.units() == []


@pytest.mark.parametrize(("inputs", "seen"), [(None, ("A", "B")), (["B"], ("B",)), (["B", "A"], ("B", "A")), ([], ())])
def test_the_judge_sees_the_inputs_that_are_its_own_and_the_checks_all(rollout: Make, inputs: Any, seen: Any):
    judge = {"model": "m:x", "criteria": [{"id": "a", "ask": "?"}], "inputs": inputs}

    bound = bind(spec_of(inputs={"A": "contract", "B": "b"}, judge=judge), rollout(b="text"))

    assert tuple(name for name, _ in case_of(bound, None).documents) == seen
    assert list(bound.inputs) == ["A", "B"]


def test_only_the_fields_to_show_are_shown_in_their_order(rollout: Make):
    bound = bind(
        spec_of(items="comments", show=["b", "a"]),
        rollout(completion={"comments": [{"a": 1, "c": 3, "b": "y"}, {"c": 3}]}),
    )

    assert [case_of(bound, at).candidate for at in (0, 1)] == ["b: y\na: 1", ""]


@pytest.mark.parametrize(
    ("completion", "shown"),
    [({"a": "x", "b": "y"}, "a: x"), ("no JSON", "no JSON"), ("[1]", "[1]"), ('"text"', '"text"'), ({}, "")],
)
def test_a_whole_completion_that_has_no_fields_is_shown_as_it_is(rollout: Make, completion: Any, shown: str):
    bound = bind(spec_of(show=["a"]), rollout(completion=completion))

    assert case_of(bound, None).candidate == shown


def test_an_item_that_repeats_an_earlier_one_in_what_the_judge_sees_is_a_duplicate(rollout: Make):
    comments = [
        {"note": "Pay late", "id": 1},
        {"note": "other", "id": 2},
        {"note": "  pay  LATE", "id": 3},
        {"note": "Pay later", "id": 4},
        {"note": "Pay late", "id": 5},
    ]

    shown = bind(spec_of(items="comments", show=["note"]), rollout(completion={"comments": comments}))
    whole = bind(spec_of(items="comments"), rollout(completion={"comments": comments}))

    assert duplicates(shown) == {2, 4}
    assert duplicates(whole) == set()


RECALL = {"issues": "issues", "key": "rule"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {},
            "no column 'issues', which recall of reward.yaml names; add it, or name one that is there: completion, contract, prompt",
        ),
        ({"issues": None}, "no column 'issues', which recall of reward.yaml names"),
        ({"issues": "R1"}, "'issues' must be a list of objects with 'rule'"),
        ({"issues": {"rule": "R1"}}, "'issues' must be a list of objects with 'rule'"),
        ({"issues": ["R1"]}, "'issues' must be a list of objects with 'rule'"),
        ({"issues": [{"rule": "R1"}, {}]}, "'issues' must be a list of objects with 'rule'"),
        ({"issues": [{"rule": None}]}, "'issues' must be a list of objects with 'rule'"),
    ],
)
def test_issues_that_recall_cannot_count_are_told_before_anything_is_asked(
    rollout: Make, columns: dict[str, Any], said: str
):
    with pytest.raises(DataError) as error:
        bind(spec_of(items="comments", recall=RECALL), rollout("r7", **columns))

    assert str(error.value).startswith(f"rollout 'r7': {said}")


def test_no_issues_are_a_list_too(rollout: Make):
    assert bind(spec_of(items="comments", recall=RECALL), rollout(issues=[])).units() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["comments", "note", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    completion=st.one_of(
        st.text(st.characters(), max_size=80),
        JSON.map(json.dumps),
        JSON.map(lambda v: json.dumps({"comments": [v, v]})),
    ),
    items=st.sampled_from([None, "comments"]),
    show=st.sampled_from([None, ["note"], []]),
)
def test_whatever_a_policy_writes_is_bound_and_shown(rollout: Make, completion: str, items: str | None, show: Any):
    bound = bind(spec_of(items=items, show=show), rollout(completion=completion))

    assert all(isinstance(case_of(bound, unit).candidate, str) for unit in bound.units())
    assert duplicates(bound) < set(range(len(bound.items or ()) + 1))


@pytest.mark.parametrize(
    ("changes", "enough"),
    [
        ({}, ("contract",)),
        ({"inputs": {"A": "contract", "B": "b"}}, ("contract", "b")),
        ({"inputs": {"A": "contract", "Asked": "prompt"}}, None),
        ({"items": "comments", "recall": RECALL}, None),
        ({"judge": {"model": "m:x", "mode": "preference", "compare": "reference", "prefer": "the better"}}, None),
    ],
)
def test_columns_are_enough_where_nothing_else_is_asked_of_a_row(changes: dict[str, Any], enough: Any):
    assert enough_columns(spec_of(**changes)) == enough
