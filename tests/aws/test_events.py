"""What trainers send, in every form that the vendor's pages give, and what goes back."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dikast.aws.events import answered, metrics_list, read_event, reward_row, samples_of, without_tags
from dikast.errors import DataError
from dikast.records import Message, Part, Score, Usage

ASK = {"role": "user", "content": "Review the clause."}
SAYS = {"role": "assistant", "content": "Fine."}
TEXT_PARTS = [{"type": "text", "text": "Fi"}, {"type": "text", "text": "ne."}]

FORMS = {
    "user guide": [{"id": "1", "messages": [ASK, SAYS], "reference_answer": {"verdict": "no"}, "clause": "c"}],
    "hyperpod and bedrock": [
        {"id": "1", "messages": [ASK, SAYS], "metadata": {"reference_answer": {"verdict": "no"}, "clause": "c"}}
    ],
    "evaluation": [
        {
            "id": "1",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Review the clause."}]},
                {"role": "nova_assistant", "content": TEXT_PARTS},
            ],
            "reference_answer": {"verdict": "no"},
            "clause": "c",
        }
    ],
    "one sample alone": {"id": "1", "messages": [ASK, SAYS], "reference_answer": {"verdict": "no"}, "clause": "c"},
    "trajectories": {
        "trajectories": [{"id": "1", "messages": [ASK, SAYS], "reference_answer": {"verdict": "no"}, "clause": "c"}]
    },
    "thoughts beside the answer": [
        {
            "id": "1",
            "messages": [
                ASK,
                {"role": "assistant", "content": [{"reasoningContent": {"text": "Hm."}}, {"text": "Fine."}]},
            ],
            "reference_answer": {"verdict": "no"},
            "clause": "c",
        }
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rollout(form):
    [row] = read_event(FORMS[form])

    assert row.id == "1"
    assert row.rollout is not None
    assert row.rollout.prompt == (Message(role="user", content="Review the clause."),)
    assert row.rollout.completion == "Fine."
    assert row.rollout.reference == '{"verdict":"no"}'
    assert {name: row.rollout.columns[name] for name in ("verdict", "clause")} == {"verdict": "no", "clause": "c"}


def test_a_reference_that_is_a_text_stays_one_and_the_outer_field_counts():
    sample = {
        "id": "1",
        "messages": [ASK, SAYS],
        "reference_answer": "outer",
        "metadata": {"reference_answer": "inner", "clause": "inner"},
        "clause": "outer",
    }

    [row] = read_event([sample])

    assert row.rollout is not None
    assert row.rollout.reference == "outer"
    assert row.rollout.columns == {"reference_answer": "outer", "clause": "outer"}


@pytest.mark.parametrize("messages", [[], [ASK], [ASK, SAYS, ASK], [{"role": "system", "content": "s"}, ASK]])
def test_a_sample_that_no_model_has_answered_is_a_row_without_a_rollout(messages):
    [row] = read_event([{"messages": messages, "reference_answer": "x"}])

    assert (row.id, row.rollout, row.problem) == ("row-0", None, None)


def test_ids_go_back_as_they_came_whatever_they_are():
    given = ["a", 7, "", "a", True, 1.5, ["b"], {"c": None}]

    rows = read_event([{"id": one, "messages": [ASK, SAYS]} for one in given])

    # The contract asks for the input's id and nothing more: a text that is made of it would be another one.
    assert json.dumps([reward_row(row, 0.0, [])["id"] for row in rows]) == json.dumps(given)


def test_rollouts_of_one_prompt_share_a_group_unless_the_sample_names_one():
    other = {"role": "user", "content": "Another."}
    rows = read_event(
        [
            {"messages": [ASK, SAYS]},
            {"messages": [ASK, {"role": "assistant", "content": "Bad."}]},
            {"messages": [other, SAYS]},
            {"messages": [ASK, SAYS], "metadata": {"group": 5}},
        ]
    )

    groups = [row.rollout.group for row in rows if row.rollout]

    assert groups[0] == groups[1] != groups[2]
    assert groups[3] == "5"


@pytest.mark.parametrize(
    "poison",
    [
        None,
        "text",
        5,
        [],
        {"id": "p"},
        {"id": "p", "messages": "hello"},
        {"id": "p", "messages": ["hello"]},
        {"id": "p", "messages": [{"content": "no role"}]},
        {"id": "p", "messages": [ASK, {"role": "assistant", "content": 7}]},
        {"id": "\ud800", "messages": [ASK, SAYS]},
        {"id": "p", "messages": [{"role": "user", "content": "\udfff"}, SAYS]},
    ],
)
def test_a_sample_that_cannot_be_read_spoils_no_other(poison):
    good = {"id": "good", "messages": [ASK, SAYS]}

    before, bad, after = read_event([good, poison, good])

    assert before.rollout == after.rollout is not None
    assert bad.rollout is None
    assert bad.problem
    json.dumps(bad.id).encode()


@pytest.mark.parametrize(
    "broken",
    [
        {"reference_answer": {"solution": "\ud800"}},
        {"group": "\ud800"},
        {"messages": [{"role": "user", "content": "\ud800"}, SAYS]},
    ],
)
def test_a_sample_keeps_its_id_where_something_else_holds_half_a_surrogate(broken):
    [row] = read_event([{"id": "mine", "messages": [ASK, SAYS], **broken}])

    assert row.id == "mine"
    assert "half a surrogate" in str(row.problem)


@pytest.mark.parametrize("messages", [[ASK, SAYS], [ASK], 5])
@pytest.mark.parametrize("name", ["\ud800", {"of": ["\ud800"]}])
def test_an_id_that_cannot_go_back_becomes_the_samples_place(name, messages):
    before, bad = read_event([{"id": "good", "messages": [ASK, SAYS]}, {"id": name, "messages": messages}])

    assert before.problem is None
    assert bad.id == "row-1"
    assert "half a surrogate" in str(bad.problem)


@pytest.mark.parametrize("event", [None, "text", 3, {}, {"trajectories": 5}])
def test_an_event_that_is_none_of_the_forms_says_what_to_send(event):
    with pytest.raises(DataError, match="send a list of samples"):
        read_event(event)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.text() | st.sampled_from(["id", "messages", "role", "content", "text", "metadata", "trajectories"]),
                inner,
            )
        ),
    )
)
def test_whatever_is_sent_is_read_or_refused_in_one_line(event):
    try:
        rows = read_event(event)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert len(rows) == len(samples_of(event))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Fine.", "Fine."),
        ("Hm. <|begin_of_solution|>\n{}\n<|end_of_solution|>", "{}"),
        ("<|begin_of_solution|>a<|end_of_solution|> no: <|begin_of_solution|>b<|end_of_solution|>", "b"),
        ("<|begin_of_solution|>cut off", "cut off"),
    ],
)
def test_solution_tags_are_stripped(said, answer):
    assert without_tags(said) == answer


def test_a_score_is_told_part_by_part_with_what_became_of_it():
    score = Score(
        id="1",
        group="g",
        score=0.5,
        status="scored",
        parts=(
            Part(name="json", kind="check", value=1.0, weight=0.0, gate=True),
            Part(name="on_point", kind="criterion", value=1.0, weight=1.0, item=0),
            Part(name="on_point", kind="criterion", value=0.0, weight=1.0, item=1),
            Part(name="quoted", kind="criterion", value=None, weight=1.0, missing="timeout"),
        ),
        usage=Usage(seconds=1.5),
    )

    entries = metrics_list(score, parts_as="Reward")

    assert entries == [
        {"name": "gate:json", "value": 1.0, "type": "Reward"},
        {"name": "on_point", "value": 0.5, "type": "Reward"},
        {"name": "missing", "value": 0.0, "type": "Metric"},
        {"name": "gated", "value": 0.0, "type": "Metric"},
        {"name": "judge_seconds", "value": 1.5, "type": "Metric"},
    ]
    assert all(type(entry["value"]) is float and math.isfinite(entry["value"]) for entry in entries)


def test_a_missing_score_says_why():
    score = Score(id="1", group="g", score=None, status="missing", missing="rate_limited")

    entries = metrics_list(score, parts_as="Reward")

    assert entries[:2] == [
        {"name": "missing", "value": 1.0, "type": "Metric"},
        {"name": "missing:rate_limited", "value": 1.0, "type": "Metric"},
    ]


def test_an_answer_is_the_bare_list_or_the_envelope():
    [row] = read_event([{"id": "a", "messages": [ASK, SAYS]}])
    rows = [reward_row(row, 1, [])]

    assert answered(rows, envelope=False) == [{"id": "a", "aggregate_reward_score": 1.0, "metrics_list": []}]
    wrapped = answered(rows, envelope=True)
    assert wrapped["statusCode"] == 200
    assert json.loads(wrapped["body"]) == rows


def test_a_made_up_id_is_unlike_every_one_that_was_given():
    rows = read_event([{"id": "row-1", "messages": [ASK, SAYS]}, {"messages": [ASK, SAYS]}, "broken", {"id": "row-2"}])

    assert [row.id for row in rows] == ["row-1", "row-1'", "row-2'", "row-2"]
