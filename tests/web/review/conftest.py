"""A reward, rollouts and a judge's scores that the tests of this folder share."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dikast.records import Part, Score
from dikast.spec.reward import read_reward
from dikast.web.review.answers import Answers, answers_path
from dikast.web.review.session import Review
from dikast.web.review.units import units_of_file
from dikast.web.review.verdicts import verdicts_of

REWARD = """
name: contract-notes
objective: Judge the note.
inputs: {Contract: contract, Playbook: playbook}
items: notes
judge:
  model: scripted:judge
  show: [note, excerpt]
  criteria:
    - {id: on_topic, ask: "Is it about the excerpt?", pass: It is., fail: It is not.}
    - {id: justified, ask: "Does a rule justify it?", na: true}
"""
CONTRACT = "The Supplier may charge interest at nine percent. Invoices are due within 14 days of receipt."
PLAYBOOK = "PAY-1: Payment terms are at least 45 days."


def note(number: int, **more: Any) -> dict[str, Any]:
    return {"note": f"Too short, note {number}.", "excerpt": "due within 14 days", "priority": "high"} | more


def row_of(number: int, notes: Sequence[Any] | None = None, **more: Any) -> dict[str, Any]:
    """A rollout with one note, or with those that are given."""
    return {
        "id": f"r{number}",
        "group": f"g{number}",
        "prompt": f"prompt {number}",
        "completion": json.dumps({"notes": [note(number)] if notes is None else notes}),
        "contract": CONTRACT,
        "playbook": PLAYBOOK,
    } | more


def score_of(number: int, *, item: int = 0, evidence: str | None = None, **values: float) -> Score:
    """What a judge said of one item: P(yes) by criterion."""
    parts = tuple(
        Part(name=name, kind="criterion", value=value, weight=1, item=item, reason="so", evidence=evidence)
        for name, value in values.items()
    )
    return Score(id=f"r{number}", group=f"g{number}", score=0.5, status="scored", parts=parts)


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return row_of


@pytest.fixture
def score() -> Callable[..., Score]:
    return score_of


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    return lambda name, rows: write_lines(tmp_path / name, rows)


@pytest.fixture
def reward(reward_file: Callable[..., Path]) -> Path:
    return reward_file(REWARD)


@pytest.fixture
def review_of(tmp_path: Path, reward: Path):
    """Opens a review of rows; called again it is the same one, taken up after a restart."""
    opened: list[Answers] = []

    def make(
        rows: Sequence[dict[str, Any]],
        *scores: Sequence[Score],
        cuts: dict[str, float] | None = None,
        seed: int | None = None,
    ) -> Review:
        for answers in opened:
            answers.close()
        opened.clear()
        spec = read_reward(reward)
        output = tmp_path / "out" / "rollouts.labels.jsonl"
        units = units_of_file(spec, write_lines(tmp_path / "rollouts.jsonl", rows))
        opened.append(Answers.open(answers_path(output), seed=seed))
        verdicts = [verdicts_of(one, spec.file.judge.criteria) for one in scores]
        return Review(spec, units, opened[0], output=output, verdicts=verdicts, cuts=cuts)

    yield make
    for answers in opened:
        answers.close()
