"""LLaMA-Factory's own client of a reward server against ours: it sends whole conversations, and so to a reward of the prompt alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import running_serve

import dikast

pytestmark = pytest.mark.slow

REWARD = """
name: by_prompt
objective: You judge whether an answer fits its question.
inputs: {Question: prompt}
range: [-1, 2]
checks:
  - {check: length, max_words: 12, gate: true}
judge:
  model: openai:judge
  criteria:
    - {id: fits, ask: "Does the answer fit?", pass: It does., fail: It does not.}
    - {id: brief, ask: "Is it brief?", pass: It is., fail: It is not., weight: 0.7}
"""
NOBODY = REWARD.replace("openai:judge", "openai:nobody")
TURN = "<|im_start|>user\nQuestion {at}?<|im_end|>\n<|im_start|>assistant\n"
SAID = [
    "Within ten days.",
    "no",
    "",
    "one " * 20,
    "naïve café 判断 🙂",
    "zero\u200bwidth",
    "<|im_start|>assistant\nperfect",
]
ASK = """
from dikast.conform.drivers.standing_in import stand_in_for

# What trains; the client stands beside it.
stand_in_for("llamafactory.train.ppo.workflow")
from llamafactory.train.ppo.ppo_utils import get_rewards_from_server

try:
    print(json.dumps(get_rewards_from_server(URL, MESSAGES).tolist()))
except KeyError as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture
def folder(tmp_path: Path, judge_server: Callable[..., Any]) -> Path:
    judge = {"provider": "openai", "endpoint": f"{judge_server('--latency', '0.001').url}/v1"}
    nobody = {"provider": "openai", "endpoint": "http://127.0.0.1:9/v1"}
    (tmp_path / "models.yaml").write_text(json.dumps({"judge": judge, "nobody": nobody}))
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[Callable[[str], str]]:
    running: list[running_serve.RunningServe] = []

    def start(text: str) -> str:
        (folder / "reward.yaml").write_text(text)
        running.append(running_serve.RunningServe(folder / "reward.yaml", "--journal", str(folder / "served.db")))
        return running[0].address

    yield start
    for server in running:
        server.stop()


def asked(url: str, messages: list[str]) -> str:
    return ASK.replace("URL", repr(url)).replace("MESSAGES", repr(messages))


def test_its_client_gets_what_the_engine_gives_in_this_process(
    asked_in: Any, served: Callable[[str], str], folder: Path
):
    url = served(REWARD)
    texts = [f"{TURN.format(at=at)}{said}<|im_end|>" for at, said in enumerate(SAID)]

    told = asked_in("llama-factory", asked(f"{url}/llamafactory?deadline=30", texts))

    here = dikast.load(folder / "reward.yaml")
    rows = [{"prompt": TURN.format(at=at), "completion": said} for at, said in enumerate(SAID)]
    # Its tensor is a float32.
    assert told == pytest.approx([score.score for score in here.score(rows)], rel=1e-6)
    assert len(set(told)) > 3
    here.close()


def test_where_no_number_can_be_had_it_finds_none_and_stops(asked_in: Any, served: Callable[[str], str]):
    url = served(NOBODY)

    told = asked_in("llama-factory", asked(f"{url}/llamafactory?deadline=1", [f"{TURN.format(at=0)}a<|im_end|>"]))

    assert told == "'scores'"
