"""A scripted judge and a labelled suite that the tests of this folder share."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.certify.labels import Labels, read_labels
from dikast.errors import ModelError
from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Capabilities, Reply, Request
from dikast.spec.reward import RewardSpec, read_reward

Belief = Callable[[str, int], float | ModelError]
"""(question, number of the answer) → P(yes), or the failure."""

OBJECTIVE = "Judge the answer."
REWARD = f"""
name: suite
objective: {OBJECTIVE}
inputs: {{Document: contract}}
judge:
  model: scripted:judge
  criteria:
    - id: on_topic
      ask: Is it on topic?
      paraphrases: ["Does it keep to the topic?", "Would a reader call it on topic?"]
    - id: useful
      ask: Is it useful?
      paraphrases: ["Would it help?"]
"""


class ScriptedJudge:
    """Answers from a table of beliefs, by log-probabilities or as one JSON object, and remembers what it was asked."""

    name = "scripted:judge"
    fingerprint = "f00d"

    def __init__(self, belief: Belief, *, logprobs: bool = True, concurrency: int = 1) -> None:
        self.belief = belief
        self.capabilities = Capabilities(logprobs=logprobs, concurrency=concurrency)
        self.asked: list[tuple[str, int]] = []

    async def reply(self, request: Request) -> Reply:
        text = "\n".join(message.content for message in request.messages)
        number = int(found(r"answer (\d+)", text))
        if not self.capabilities.logprobs:
            return self._all_at_once(request, text, number)
        p = self._believe(question_in(text), number)
        tokens = (("Yes", math.log(p or 1e-12)), ("No", math.log(1 - p or 1e-12)))
        return Reply(text="Yes" if p >= 0.5 else "No", first_token=tokens)

    def _all_at_once(self, request: Request, text: str, number: int) -> Reply:
        questions = re.findall(r"^- (\w+): (.*)$", text, flags=re.MULTILINE)
        said = {i: {"answer": "yes" if self._believe(ask.strip(), number) >= 0.5 else "no"} for i, ask in questions}
        return Reply(text=json.dumps({"verdicts": said}))

    def _believe(self, question: str, number: int) -> float:
        self.asked.append((question, number))
        p = self.belief(question, number)
        if isinstance(p, ModelError):
            raise p
        return p

    async def close(self) -> None:
        pass


def question_in(text: str) -> str:
    """What is asked last, however the prompt is worded around it."""
    asked = re.search(r"(?:Question: |The question is: |to the candidate\. )(.*)|(.*)\nYes or No\?", text)
    if asked is None:
        raise ValueError(f"no question in: {text}")
    return asked[1] or asked[2]


def found(pattern: str, text: str) -> str:
    """The first group of the first match; a request without one is not what a judge is asked."""
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(f"no {pattern} in: {text}")
    return match[1]


def truth_of(number: int) -> bool:
    """People call every other answer good, on both criteria."""
    return number % 2 == 0


def labelled_row(number: int, **more: Any) -> dict[str, Any]:
    """A row of the suite: four answers to a prompt, two annotators who agree."""
    good = truth_of(number)
    return {
        "id": f"r{number}",
        "group": f"g{number // 4}",
        "prompt": f"prompt {number // 4}",
        "completion": f"answer {number}",
        "contract": f"contract {number // 4}",
        "split": "tuning" if number % 12 < 4 else "certificate",
        "labels": {name: {"ann": good, "bob": good} for name in ("on_topic", "useful")},
    } | more


@pytest.fixture
def labels_of(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Labels]:
    def write(rows: list[dict[str, Any]]) -> Labels:
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_labels(path)

    return write


@pytest.fixture
def suite(labels_of: Callable[[list[dict[str, Any]]], Labels]) -> Labels:
    """240 answers, 160 of them in the untouched part: 80 good and 80 bad."""
    return labels_of([labelled_row(number) for number in range(240)])


@pytest.fixture
def reward_of(tmp_path: Path) -> Callable[[str], RewardSpec]:
    def write(text: str) -> RewardSpec:
        path = tmp_path / "reward.yaml"
        path.write_text(text)
        return read_reward(path)

    return write


@pytest.fixture
def reward(reward_of: Callable[[str], RewardSpec]) -> RewardSpec:
    return reward_of(REWARD)


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return labelled_row


@pytest.fixture
def reward_text() -> str:
    return REWARD


@pytest.fixture
def perfect() -> Belief:
    return lambda _question, number: 0.97 if truth_of(number) else 0.04


@pytest.fixture
def judge_of() -> Callable[..., RubricJudge]:
    """Makes a judge of a belief; equal judges share nothing unless a journal is given."""

    def make(belief: Belief, journal: Journal | None = None, **how: Any) -> RubricJudge:
        asker = Asker(ScriptedJudge(belief, **how), journal or Journal.open(None))
        return RubricJudge(asker=asker, objective=OBJECTIVE)

    return make
