"""A scripted judge, a reward and arms that the tests of this folder share."""

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dikast.errors import ModelError, UnavailableError
from dikast.evaluate.arms import Arm
from dikast.journal import Journal
from dikast.models.base import Capabilities, Reply, Request
from dikast.records import Rollout
from dikast.reward.assembly import Judges
from dikast.reward.reward import Reward
from dikast.spec.reward import read_reward

REWARD = """
name: notes
objective: Judge the notes.
inputs: {Document: text}
items: notes
checks:
  - {check: json, schema: notes.schema.json, gate: true}
judge:
  model: scripted:judge
  show: [note]
  criteria:
    - {id: good, ask: "Is the note good?"}
"""
SCHEMA = {"type": "object", "required": ["notes"], "properties": {"notes": {"type": "array"}}}


class ScriptedJudge:
    """Believes the number that a candidate carries as p=0.7; a candidate with p=fail cannot be judged, with p=gone no model is there."""

    name = "scripted:judge"
    fingerprint = "f00d"

    def __init__(self, *, concurrency: int = 1) -> None:
        self.capabilities = Capabilities(logprobs=True, concurrency=concurrency)
        self.requests: list[str] = []

    async def reply(self, request: Request) -> Reply:
        text = request.messages[-1].content
        self.requests.append(text)
        found = re.search(r"p=([\d.]+|fail|gone)", text)
        if found and found[1] == "fail":
            raise ModelError("timeout", "scripted")
        if found and found[1] == "gone":
            raise UnavailableError("no model")
        p = min(max(float(found[1]) if found else 0.0, 1e-9), 1 - 1e-9)
        return Reply(text="", first_token=(("Yes", math.log(p)), ("No", math.log(1 - p))))

    async def close(self) -> None:
        pass


def completion(p: float | str) -> str:
    """A valid answer that the judge believes with probability p."""
    return json.dumps({"notes": [{"note": f"p={p}"}]})


def rollout(document: int, text: str, *, sample: int | None = None, **columns: Any) -> Rollout:
    """An answer to a document, with the ids that a run gives."""
    name = f"doc-{document}" if sample is None else f"doc-{document}#{sample}"
    row = {"text": f"document {document}", "known": f"known {document}", **columns}
    return Rollout(id=name, group=f"group-{document}", prompt=f"prompt {document}", completion=text, columns=row)


def arm(name: str, greedy: Sequence[float | str], samples: Sequence[Sequence[float | str]] = ()) -> Arm:
    """An arm whose answers the judge believes with these probabilities; a text that is no number is the answer itself."""

    def text(p: float | str) -> str:
        return completion(p) if isinstance(p, float) or p in ("fail", "gone") else str(p)

    return Arm(
        name=name,
        greedy=tuple(rollout(at, text(p)) for at, p in enumerate(greedy)),
        sampled=tuple(
            tuple(rollout(at, text(p), sample=number) for number, p in enumerate(several))
            for at, several in enumerate(samples)
        ),
    )


@pytest.fixture
def judge() -> ScriptedJudge:
    return ScriptedJudge()


@pytest.fixture
def open_reward(tmp_path: Path, judge: ScriptedJudge) -> Callable[..., Reward]:
    """Opens the reward with the scripted judge; the journal stays for the test's life."""
    (tmp_path / "reward.yaml").write_text(REWARD)
    (tmp_path / "notes.schema.json").write_text(json.dumps(SCHEMA))
    journal = Journal.open(None)

    def opened(model: ScriptedJudge | None = None) -> Reward:
        spec = read_reward(tmp_path / "reward.yaml")
        return Reward(Judges(spec, [model or judge], journal))

    return opened
