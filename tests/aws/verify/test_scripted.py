"""The scripted judge speaks Converse well enough for every reward."""

import json

import pytest

from dikast.aws.verify.scripted import answer_to, scripted_judge
from dikast.loading import load

pytest.importorskip("boto3")

REWARD = """
name: all of it
objective: You judge.
inputs: {Text: text}
judge:
  model: bedrock:judge
  criteria:
    - {id: good, ask: "Is it good?", pass: It is., fail: It is not.}
    - {id: far, ask: "How far does it go?", scale: [1, 2], levels: {1: Not at all., 2: Far.}}
    - {id: quoted, ask: "Does the text say so?", evidence: Text}
"""


@pytest.mark.parametrize("text", ["A text.", "A text that is worth a cache. " * 400])
def test_every_kind_of_question_gets_an_answer_and_always_the_same(reward_file, monkeypatch, text):
    from dikast.records import Rollout

    path = reward_file(REWARD)
    rollouts = [
        Rollout(id=str(at), group="g", prompt="p", completion=f"Answer {at}.", columns={"text": text})
        for at in range(8)
    ]
    with scripted_judge() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        first, second = (scored(path, rollouts) for _ in range(2))

    assert first == second
    assert None not in first
    assert len(set(first)) > 2


def scored(path, rollouts) -> list[float | None]:
    reward = load(path)
    try:
        return [score.score for score in reward.score(rollouts)]
    finally:
        reward.close()


@pytest.mark.parametrize("asked", [{}, {"outputConfig": None}])
def test_a_request_without_a_form_gets_a_text(asked):
    answer = answer_to({"messages": [{"content": [{"text": "Hello."}]}], **asked})

    assert json.loads(answer["output"]["message"]["content"][0]["text"]) == "scripted"
