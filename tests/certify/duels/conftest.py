"""A scripted judge that compares, and labelled pairs that the tests of this folder share."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dikast.certify.duels.labels import PairLabels, read_pairs
from dikast.errors import ModelError
from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply, Request
from dikast.reward.assembly import Judges
from dikast.reward.compare import Comparison
from dikast.spec.reward import RewardSpec, read_reward

Belief = Callable[[str, str], float | ModelError]
"""(first, second) → the share that the first wins, or the failure."""

FENCED = re.compile(r"<([0-9a-f]{16})>\n(.*?)\n</\1>", flags=re.DOTALL)
REWARD = """
name: better
objective: You compare answers.
inputs: {Document: contract}
judge:
  mode: preference
  model: scripted:judge
  compare: swiss
  prefer: The better answer says what the contract says.
"""


class ScriptedDuels:
    """Answers from a belief: by log-probabilities, or in writing, where ½ is a tie; and ranks two by it."""

    name = "scripted:judge"
    fingerprint = "f00d"

    def __init__(self, belief: Belief, *, logprobs: bool = True, concurrency: int = 4) -> None:
        self.belief = belief
        self.capabilities = Capabilities(logprobs=logprobs, reason=not logprobs, concurrency=concurrency)
        self.asked: list[tuple[str, str]] = []
        self.ranked = 0

    async def reply(self, request: Request) -> Reply:
        first, second = (found[2] for found in FENCED.finditer(request.messages[-1].content))
        self.asked.append((first, second))
        share = self.belief(first, second)
        if isinstance(share, ModelError):
            raise share
        if request.form is None:
            tokens = tuple((word, math.log(p or 1e-12)) for word, p in (("A", share), ("B", 1 - share)))
            return Reply(text="", first_token=tokens)
        if "ranking" in request.form.schema["properties"]:
            self.ranked += 1
            return Reply(text=json.dumps({"reason": "", "ranking": [1, 2] if share > 0.5 else [2, 1]}))
        return Reply(text=json.dumps({"reason": "", "better": "tie" if share == 0.5 else "A" if share > 0.5 else "B"}))

    async def close(self) -> None:
        pass


def labelled_pair(number: int, **more: Any) -> dict[str, Any]:
    """A row: two annotators who agree, the better side is a in every other row."""
    a, b = ("good", "poor") if number % 2 == 0 else ("poor", "good")
    said = "a" if a == "good" else "b"
    return {
        "prompt": f"prompt {number // 2}",
        "a": f"answer {number} is {a}",
        "b": f"answer {number} is {b}",
        "contract": f"contract {number // 2}",
        "split": "tuning" if number // 2 % 4 == 0 else "certificate",
        "labels": {"ann": said, "bob": said},
    } | more


def fair(first: str, second: str) -> float:
    """Prefers what is good, wherever it stands."""
    return 0.9 if " is good" in first else 0.1


@pytest.fixture
def labels_of(tmp_path: Path) -> Callable[[list[dict[str, Any]]], PairLabels]:
    def write(rows: list[dict[str, Any]]) -> PairLabels:
        path = tmp_path / "pairs.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_pairs(path)

    return write


@pytest.fixture
def suite(labels_of: Callable[[list[dict[str, Any]]], PairLabels]) -> PairLabels:
    """160 pairs, 120 of them in the untouched part: 60 where a is better and 60 where b is."""
    return labels_of([labelled_pair(number) for number in range(160)])


@pytest.fixture
def reward_of(tmp_path: Path) -> Callable[..., RewardSpec]:
    def write(more: str = "", *, compare: str = "swiss") -> RewardSpec:
        path = tmp_path / "reward.yaml"
        path.write_text(REWARD.replace("swiss", compare) + more)
        return read_reward(path)

    return write


@pytest.fixture
def judge_of() -> Callable[..., Comparison]:
    """The judge of a reward, with a scripted model or a belief; equal judges share nothing unless a journal is given."""

    def make(spec: RewardSpec, model: ScriptedDuels | Belief, journal: Journal | None = None, **how: Any) -> Comparison:
        asked = model if isinstance(model, ScriptedDuels) else ScriptedDuels(model, **how)
        return Judges(spec, [asked], journal or Journal.open(None)).comparison()

    return make
