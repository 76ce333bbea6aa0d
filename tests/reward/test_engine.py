"""The engine: order, what is asked and what is spared, and what a failure becomes."""

import json

import pytest

from dikast.errors import DataError, ModelError, UnavailableError
from dikast.records import Rollout

REWARD = """
name: n
objective: Judge.
inputs: {Document: text}
items: comments
checks:
  - {check: json, gate: true}
judge:
  model: scripted:judge
  criteria:
    - {id: good, ask: "Is it good?"}
"""


def rollout(at: int, completion: str, group: str = "g") -> Rollout:
    return Rollout(
        id=f"r{at}", group=group, prompt="p", completion=completion, columns={"text": f"document of {group}"}
    )


def comments(*texts: str) -> str:
    return json.dumps({"comments": [{"comment": text} for text in texts]})


def believes(request) -> float:
    """Says how good a comment is by the number it holds."""
    return float(request.messages[-1].content.partition("comment: ")[2].split()[0])


def test_scores_come_in_the_order_of_the_rollouts(judged_by, scripted_model):
    reward = judged_by(REWARD, scripted_model(believes, concurrency=16))
    rows = [rollout(at, comments(f"0.{at}"), group=f"g{at % 3}") for at in range(1, 9)]

    scores = reward.score(rows)

    assert [score.id for score in scores] == [row.id for row in rows]
    assert [score.score for score in scores] == pytest.approx([at / 10 for at in range(1, 9)])


def test_equal_completions_of_a_prompt_are_judged_once(judged_by, scripted_model):
    model = scripted_model(0.5, concurrency=16)
    reward = judged_by(REWARD, model)

    scores = reward.score([rollout(at, comments("same")) for at in range(8)])

    assert len(model.asked) == 1
    assert sum(score.usage.asked for score in scores) == 1
    assert sum(score.usage.questions for score in scores) == 8


def test_the_first_of_a_group_is_answered_before_its_siblings_are_asked(judged_by, scripted_model):
    model = scripted_model(0.5, concurrency=16)
    reward = judged_by(REWARD, model)

    reward.score([rollout(at, comments(f"text {at}")) for at in range(5)])

    assert [kind for kind, _ in model.events[:3]] == ["asked", "answered", "asked"]


def test_a_gate_spares_the_judge(judged_by, scripted_model):
    model = scripted_model(0.5)
    reward = judged_by(REWARD, model)

    (score,) = reward.score([rollout(0, "no JSON")])

    assert (score.status, score.score) == ("gated", 0.0)
    assert not model.asked


def test_a_failed_judgment_is_missing_and_spares_the_others(judged_by, scripted_model):
    def answer(request):
        return ModelError("timeout", "60 s") if "broken" in request.messages[-1].content else 0.7

    reward = judged_by(REWARD, scripted_model(answer))

    scores = reward.score([rollout(0, comments("fine")), rollout(1, comments("broken")), rollout(2, comments("well"))])

    assert [score.score for score in scores] == [pytest.approx(0.7), None, pytest.approx(0.7)]
    assert scores[1].missing == "timeout"


def test_wrong_credentials_stop_everything_with_their_own_error(judged_by, scripted_model):
    reward = judged_by(REWARD, scripted_model(UnavailableError("401: set KEY"), concurrency=16))

    with pytest.raises(UnavailableError, match="set KEY"):
        reward.score([rollout(at, comments(str(at))) for at in range(4)])


def test_a_second_run_asks_nothing_and_a_failure_is_asked_again(judged_by, scripted_model, tmp_path):
    failing = [True]

    def answer(request):
        return ModelError("transport", "reset") if failing[0] and "two" in request.messages[-1].content else 0.7

    journal = tmp_path / "journal.db"
    rows = [rollout(1, comments("one")), rollout(2, comments("two"))]
    first = judged_by(REWARD, scripted_model(answer), journal=journal).score(rows)
    failing[0] = False
    model = scripted_model(answer)

    second = judged_by(REWARD, model, journal=journal).score(rows)

    assert [score.score for score in first] == [pytest.approx(0.7), None]
    assert [score.score for score in second] == pytest.approx([0.7, 0.7])
    assert len(model.asked) == 1


def test_a_repeated_item_is_not_asked_and_is_worth_nothing(judged_by, scripted_model):
    model = scripted_model(0.8)
    reward = judged_by(REWARD, model)

    (score,) = reward.score([rollout(0, comments("one", "one"))])

    assert score.score == pytest.approx(0.4)
    assert len(model.asked) == 1


def test_a_column_that_is_not_there_is_said_with_those_that_are(judged_by, scripted_model):
    reward = judged_by(REWARD, scripted_model(0.5))
    row = Rollout(id="r1", group="g", prompt="p", completion="c", columns={"txt": "..."})

    with pytest.raises(DataError, match=r"rollout 'r1': no column 'text'.*txt"):
        reward.score([row])
