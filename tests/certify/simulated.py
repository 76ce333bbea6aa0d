"""Judges of known worth: their answers are drawn, or laid down, before the certificate asks them through a model client.

Every criterion is a judge of its own with labels of its own, so that one certificate measures thirty.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from dikast.journal import Journal
from dikast.judges.ask import Asker
from dikast.judges.rubric import RubricJudge
from dikast.models.base import Capabilities, Reply, Request

OBJECTIVE = "Judge the answer."

Table = Mapping[tuple[str, int, int], float]
"""(criterion, number of the answer, how often it was asked before) → P(yes)."""


def reward_text(criteria: list[str], more: Mapping[str, str] | None = None) -> str:
    """A reward of these criteria, each with one paraphrase."""
    lines = [
        f"    - {{id: {name}, ask: 'Is it {name}?', paraphrases: ['Would you call it {name}?']{(more or {}).get(name, '')}}}"
        for name in criteria
    ]
    return "\n".join(
        [
            "name: simulated",
            f"objective: {OBJECTIVE}",
            "inputs: {Document: contract}",
            "judge:",
            "  model: simulated:judge",
            "  criteria:",
            *lines,
        ]
    )


def labelled(number: int, labels: Mapping[str, bool], *, group: int, tuning: bool = False) -> dict[str, Any]:
    """One answer with people's verdicts."""
    return {
        "id": f"r{number}",
        "group": f"g{group}",
        "prompt": f"prompt {group}",
        "completion": f"answer {number}",
        "contract": "the contract",
        "split": "tuning" if tuning else "certificate",
        "labels": {name: {"ann": label} for name, label in labels.items()},
    }


class TableModel:
    """Answers from a table, one question a request with log-probabilities, or all in one JSON object."""

    name = "simulated:judge"
    fingerprint = "simulated"

    def __init__(self, table: Callable[[str, int, int], float], *, logprobs: bool) -> None:
        self.table = table
        self.capabilities = Capabilities(logprobs=logprobs, concurrency=1)
        self._asked: dict[tuple[str, int], int] = {}

    async def reply(self, request: Request) -> Reply:
        text = request.messages[-1].content
        number = int(re.findall(r"answer (\d+)", text)[0])
        if self.capabilities.logprobs:
            p = self._p(re.findall(r"(?:Is|Would you call) it (\w+)\?", text)[0], number)
            return Reply(text="", first_token=(("Yes", math.log(max(p, 1e-12))), ("No", math.log(max(1 - p, 1e-12)))))
        names = re.findall(r"^- (\w+): ", request.messages[0].content, flags=re.MULTILINE)
        said = {name: {"answer": "yes" if self._p(name, number) >= 0.5 else "no"} for name in names}
        return Reply(text=json.dumps({"verdicts": said}))

    def _p(self, criterion: str, number: int) -> float:
        before = self._asked.get((criterion, number), 0)
        self._asked[criterion, number] = before + 1
        return self.table(criterion, number, before)

    async def close(self) -> None:
        pass


def judge_of_table(table: Callable[[str, int, int], float], *, logprobs: bool) -> RubricJudge:
    """The judge behind whom the table stands."""
    return RubricJudge(asker=Asker(TableModel(table, logprobs=logprobs), Journal.open(None)), objective=OBJECTIVE)
