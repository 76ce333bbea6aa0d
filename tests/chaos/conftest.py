"""A folder with a reward, a connection to a judge server and a file of rollouts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running_server import JudgeServer

REWARD = """
name: chaos
objective: Judge the answer to the question.
inputs: {Document: contract}
checks:
  - {check: length, max_words: 50, weight: 0.1}
judge:
  model: openai:judge
  criteria:
    - {id: useful, ask: "Is it useful?", pass: It helps., fail: It does not.}
    - {id: polite, ask: "Is it rude?", negative: true, pass: It insults., fail: It does not.}
"""


@pytest.fixture
def work(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder with a reward, a connection to a server and a file of rollouts, eight to a prompt."""

    def write(server: JudgeServer, rollouts: int, **connection: Any) -> Path:
        folder = tmp_path / f"work-{server.url.rpartition(':')[2]}"
        folder.mkdir(exist_ok=True)
        (folder / "reward.yaml").write_text(REWARD)
        settings = {"provider": "openai", "endpoint": server.url + "/v1", "concurrency": 64, **connection}
        (folder / "models.yaml").write_text(json.dumps({"judge": settings}))
        with (folder / "rollouts.jsonl").open("w") as out:
            for at in range(rollouts):
                group = at // 8
                row = {
                    "prompt": f"Question {group}?",
                    "completion": f"Answer {at} to it.",
                    "contract": f"Text {group}.",
                }
                out.write(json.dumps(row) + "\n")
        return folder

    return write
